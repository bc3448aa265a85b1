// ---- to choose another network --------------------------------------------------------------------

const CHOICES = { data: "data", activation: "activations", loss: "losses", optimizer: "optimizers" };

// What this network is among those that can be built here; null for another.
function askedNow() {
  if (data.asked) return data.asked;
  if (data.targets.length > 1 || data.penalty || data.rows.length > MOST_ROWS) return null;
  for (const loss of Object.keys(data.pieces.losses)) {
    for (const optimizer of Object.keys(data.pieces.optimizers)) {
      const asked = { ...nearestChoice(), loss, optimizer, ...dataNow(loss) };
      if (!isTable(asked.rows) || whyNot(asked.rows, loss, data.pieces)) continue;
      const { code } = new NetworkBuilder(data.pieces, asked).told;
      if (["model", "loss", "optimizer"].every((part) => code[part] === data.code[part])) return asked;
    }
  }
  return null;
}

// The page's own data by their name, if they have one; their targets as a network is asked for.
function dataNow(loss) {
  const { targets } = data.pieces.losses[loss];
  const rows = data.rows.map((row) => row.map((number, at) => (at < data.inputs.length || !targets.includes(number) ? number : targets.indexOf(number))));
  const name = Object.keys(data.pieces.data).find((each) => JSON.stringify(data.pieces.data[each].rows) === JSON.stringify(rows));
  return { name: name || "rows", rows, title: data.title };
}

// Of a network that cannot be built here, what is like it.
function nearestChoice() {
  const hidden = data.layers.slice(0, -1).map((layer) => layer.length).filter((size) => size <= MOST_NEURONS).slice(0, 2);
  const activation = Object.keys(data.pieces.activations).find((each) => each === data.network.split(", ")[1]) || "tanh";
  return { hidden, activation, loss: "squared", optimizer: "sgd", name: "xor", rows: data.pieces.data.xor.rows };
}

function makeChoice() {
  for (const [id, table] of Object.entries(CHOICES)) {
    const select = byId(`choice-${id}`);
    for (const [name, { title }] of Object.entries(data.pieces[table])) select.append(element("option", { value: name }, title));
    if (id === "data") select.append(element("option", { value: "points" }, "points of your own"), element("option", { value: "table" }, "a table"));
  }
  for (const select of document.querySelectorAll("#choice .sizes")) {
    for (let size = 0; size <= MOST_NEURONS; size += 1) select.append(element("option", { value: size }, size === 0 ? "none" : countedNouns(size, "neuron")));
  }
}

function openChoice() {
  pause();
  const { hidden, activation, loss, optimizer, name, rows } = askedNow() || nearestChoice();
  const isPoints = name === "rows" && rows[0].length === 3 && rows.every(([, , target]) => target === 0 || target === 1);
  const chosen = { data: name !== "rows" ? name : isPoints ? "points" : "table", first: hidden[0] || 0, second: hidden[1] || 0, activation, loss, optimizer };
  for (const [id, value] of Object.entries(chosen)) byId(`choice-${id}`).value = value;
  if (isPoints) ownPoints.rows = rows.map((row) => row.slice());
  else if (name === "rows") byId("choice-rows").value = rows.map((row) => row.map(exactly).join(", ")).join("\n");
  byId("choice-back").hidden = !data.asked;
  setText(byId("choice-back"), `Back to the page’s own network: ${ownNetwork.title}, ${ownNetwork.network}`);
  byId("choice").showModal();
  showChoice();
}

// What is chosen, or in `error` why it cannot be built.
function readChoice() {
  const [name, activation, loss, optimizer] = ["data", "activation", "loss", "optimizer"].map((id) => byId(`choice-${id}`).value);
  const hidden = ["first", "second"].map((id) => Number(byId(`choice-${id}`).value)).filter((size) => size > 0);
  const table = name === "table" ? readTable(byId("choice-rows").value) : { rows: name === "points" ? ownPoints.rows : data.pieces.data[name].rows };
  if (table.error) return table;
  if (!table.rows.length) return { error: "Set at least one point of each target." };
  const error = whyNot(table.rows, loss, data.pieces);
  if (error) return { error };
  return { hidden, activation, loss, optimizer, name: name in data.pieces.data ? name : "rows", rows: table.rows };
}

function showChoice() {
  const name = byId("choice-data").value, asked = readChoice();
  byId("choice-points").hidden = name !== "points";
  byId("choice-table").hidden = name !== "table";
  byId("choice-activation").disabled = !Number(byId("choice-first").value) && !Number(byId("choice-second").value);
  byId("choice-build").disabled = Boolean(asked.error);
  if (name === "points") drawPoints();
  setText(byId("choice-text"), asked.error || textOfChoice(asked));
}

function textOfChoice({ hidden, rows, optimizer }) {
  const widths = [rows[0].length - 1, ...hidden, 1];
  const weights = widths.slice(1).reduce((sum, width, at) => sum + width * (widths[at] + 1), 0);
  return `${widths.join("-")}: ${countedNouns(weights, "weight")}, ${countedNouns(rows.length, "row")}, learning rate ${shown(data.pieces.optimizers[optimizer].lr)} at first.`;
}

// The page again, with this network, or with its own.
function build(asked) {
  const text = addressOfNetwork(asked);
  if (text.length > LONGEST_ADDRESS) return setText(byId("choice-text"), `These data are more than an address holds: ${counted(text.length)} characters, where ${counted(LONGEST_ADDRESS)} have room. Use fewer rows, or fewer digits.`);
  byId("choice").close();
  if (text === addressOfNetwork(data.asked)) return startFrom(null, null);
  return loadNetwork(text);
}

function watchChoice() {
  makeChoice();
  watchPoints();
  watchClicks({ "open-choice": openChoice, "choice-back": () => build(null) });
  byId("choice-form").addEventListener("input", showChoice);
  byId("choice-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const asked = readChoice();
    if (!asked.error) build(asked);
  });
}
