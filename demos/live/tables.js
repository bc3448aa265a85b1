// ---- weights and data -----------------------------------------------------------------------

const weightRows = [];
const dataRows = [];
const TABS = ["weights", "data", "runs"];

function makeTables() {
  let module = null;
  data.weights.forEach((weight, index) => {
    const dot = weight.name.lastIndexOf(".");
    const [path, rest] = [weight.name.slice(0, Math.max(dot, 0)), weight.name.slice(dot + 1)];
    if (path !== module && path !== "") {
      byId("weights").append(element("tr", { class: "module" }, element("th", { scope: "rowgroup", colspan: 4 }, path)));
    }
    module = path;
    byId("weights").append(makeWeightRow(weight, index, rest));
  });
  const heads = ["row", ...data.inputs, ...data.targets, ...data.outputs.map(nodeName), data.classes.length ? "flip" : ""];
  byId("data-head").append(...heads.filter(Boolean).map((text) => element("th", { scope: "col", class: text === "flip" ? "flip" : null }, text)));
  data.rows.forEach((_, row) => byId("data-rows").append(makeDataRow(row)));
  byId("restore-data").addEventListener("click", restoreData);
  TABS.forEach((tab, at) => {
    byId(`${tab}-tab`).addEventListener("click", () => showTab(tab));
    byId(`${tab}-tab`).addEventListener("keydown", (event) => {
      const next = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!next) return;
      event.stopPropagation();
      const other = TABS[(at + next + TABS.length) % TABS.length];
      showTab(other);
      byId(`${other}-tab`).focus();
    });
  });
}

function makeWeightRow(weight, index, shortName) {
  const input = numberInput(`weight ${weight.name}`, (number) => {
    change(`${weight.name} = ${general(number, 6)}`, [["w", index, number]]);
    say(`${weight.name} is ${general(number, 6)} now`);
  });
  const mean = element("td", { class: "amount" }), own = element("td", { class: "amount" });
  const row = element("tr", {}, element("th", { scope: "row" }, shortName), element("td", {}, input), mean, own);
  row.addEventListener("pointerenter", () => hover(placeOfWeight(index), true));
  row.addEventListener("pointerleave", () => hover(placeOfWeight(index), false));
  weightRows.push({ row, input, mean, own });
  return row;
}

function hover(place, on) {
  if (place && boxes.has(place)) boxes.get(place).group.classList.toggle("hovered", on);
}

function makeDataRow(row) {
  const inputs = [];
  for (let at = 0; at < width; at += 1) {
    const label = `${[...data.inputs, ...data.targets][at]} of row ${row + 1}`;
    inputs.push(numberInput(label, (number) => change(`${label} = ${general(number, 6)}`, [["x", row * width + at, number]]), 3));
  }
  const found = data.outputs.map(() => element("td", { class: "amount" }));
  const choose = element("button", { type: "button", "aria-pressed": "false", "aria-label": `show row ${row + 1} in the graph`, onclick: () => chooseRow(row) }, String(row + 1));
  const flip = data.classes.length ? [element("td", { class: "flip" }, element("button", { type: "button", "aria-label": `flip the target of row ${row + 1}`, onclick: () => flipRow(row) }, "⇄"))] : [];
  const made = element("tr", {}, element("th", { scope: "row" }, choose), ...inputs.map((input) => element("td", {}, input)), ...found, ...flip);
  dataRows.push({ made, choose, inputs, found });
  return made;
}

// A field for a number. It shows few digits, and all of them while it is edited.
function numberInput(label, made, digits = 4) {
  const input = element("input", { inputmode: "decimal", autocomplete: "off", spellcheck: "false", "aria-label": label, size: 7 });
  Object.assign(input, { number: NaN, digits });
  input.addEventListener("focus", () => {
    if (app.playing) pause();
    write(input, exactly(input.number));
    input.select();
  });
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter") input.blur();
    if (event.key === "Escape") { input.value = exactly(input.number); input.blur(); }
  });
  input.addEventListener("blur", () => {
    const number = numberFrom(input.value);
    if (number === null || Math.abs(number) > LARGEST_NUMBER) tell(`${label}: “${input.value.slice(0, 40)}” is no number from −1,000,000 to 1,000,000.`);
    else if (!Object.is(number, input.number)) made(number);
    refresh();
    setNumber(input, input.number, true);
  });
  return input;
}

function setNumber(input, number, force = false) {
  input.number = number;
  if (document.activeElement === input && !force) return;
  write(input, inLetters(shown, number, input.digits, 9));
}

// A field is as wide as its number.
function write(input, text) {
  if (input.value === text) return;
  input.value = text;
  input.style.setProperty("--digits", Math.min(text.length, 24));
}

// A number with as many digits as have room: a column is as wide as any number needs.
function inLetters(text, number, digits, letters) {
  while (digits > 1 && text(number, digits).length > letters) digits -= 1;
  return text(number, digits);
}

function showAmount(cell, amount, most) {
  setText(cell, amount === null ? "–" : inLetters(signed, amount, 3, 8));
  const share = amount !== null && most > 0 && Number.isFinite(amount) ? Math.min(1, Math.abs(amount) / most) : 0;
  cell.style.setProperty("--share", share.toFixed(3));
  cell.dataset.sign = amount < 0 ? "minus" : amount > 0 ? "plus" : "";
}

function showTables() {
  if (!byId("weights-panel").hidden) showWeights();
  if (!byId("data-panel").hidden) showData();
  showRuns();
}

function showWeights() {
  const means = app.measured.means, owns = data.weights.map((_, index) => ownGradient(index));
  const most = Math.max(...means.map(Math.abs)), mostOwn = Math.max(...owns.map((own) => Math.abs(own || 0)));
  const step = app.step === null ? null : allSteps[app.step];
  weightRows.forEach(({ row, input, mean, own }, index) => {
    const updated = step !== null && step.phase === "update" && index <= step.index;
    setNumber(input, updated ? app.measured.news[index] : app.timeline.parameters[data.weights[index].place]);
    showAmount(mean, means[index], most);
    showAmount(own, owns[index], mostOwn);
    row.classList.toggle("active", step !== null && step.phase === "update" && index === step.index);
    input.readOnly = step !== null;
  });
}

function ownGradient(index) {
  const place = placeOfWeight(index);
  if (!place) return 0;
  return app.step === null ? gradient(place) : gradient(place, limitsOf(allSteps[app.step]).backward);
}

function showData() {
  dataRows.forEach(({ made, choose, inputs, found }, row) => {
    const numbers = rowNumbers(row), outputs = predictions(row), right = isRight(row);
    inputs.forEach((input, at) => setNumber(input, numbers[at]));
    found.forEach((cell, at) => setText(cell, `${fixed(outputs[at], 4)}${right === null ? "" : right ? " ✓" : " ✗"}`));
    const chosen = !app.probe && row === app.row;
    made.classList.toggle("active", chosen);
    choose.setAttribute("aria-pressed", String(chosen));
  });
}

function showTab(tab) {
  for (const each of TABS) {
    byId(`${each}-tab`).setAttribute("aria-selected", String(each === tab));
    byId(`${each}-tab`).setAttribute("tabindex", each === tab ? "0" : "-1");
    byId(`${each}-panel`).hidden = each !== tab;
  }
  refresh();
}

function restoreData() {
  const edits = Array.from(app.timeline.firstRows, (number, index) => ["x", index, number]);
  const changed = edits.filter(([, index, number]) => app.timeline.rows[index] !== number);
  if (changed.length) change("the original data", changed);
  refresh();
  say("The data are as they were at first");
}

// ---- which row the graph shows

function makeRowButtons() {
  const place = byId("row-buttons"), few = data.rows.length <= 8;
  if (!few) {
    place.removeAttribute("role");
    const field = element("input", { id: "row-field", inputmode: "numeric", size: 4, autocomplete: "off" });
    field.addEventListener("change", () => {
      const row = /^\d{1,6}$/.test(field.value.trim()) ? Number(field.value) - 1 : -1;
      if (row >= 0 && row < data.rows.length) { tell(""); chooseRow(row); }
      else tell(`The rows are numbered from 1 to ${data.rows.length}.`);
    });
    return place.append(element("label", { class: "field" }, "Row ", field), element("span", { class: "small" }, `of ${data.rows.length}`));
  }
  data.rows.forEach((_, row) => {
    place.append(element("button", { type: "button", role: "radio", "data-row": row, onclick: () => chooseRow(row), onkeydown: (event) => rowKey(event, row) }));
  });
}

function rowKey(event, row) {
  const next = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!next) return;
  event.preventDefault();
  event.stopPropagation();
  const to = (row + next + data.rows.length) % data.rows.length;
  chooseRow(to);
  byId("row-buttons").children[to].focus();
}

function rowText(row) {
  const numbers = Array.from(rowNumbers(row), (each) => shown(each, 3));
  return `${numbers.slice(0, data.inputs.length).join(", ")} → ${numbers.slice(data.inputs.length).join(", ")}`;
}

function showRowChoice() {
  setText(byId("row-name"), app.probe ? "a point of your own" : `row ${app.row + 1}`);
  const field = byId("row-field");
  if (field && document.activeElement !== field) field.value = app.probe ? "" : app.row + 1;
  for (const button of byId("row-buttons").querySelectorAll("[role=radio]")) {
    const row = Number(button.dataset.row), chosen = !app.probe && row === app.row;
    setText(button, rowText(row));
    button.setAttribute("aria-checked", String(chosen));
    button.setAttribute("tabindex", row === app.row ? "0" : "-1");
  }
}

function chooseRow(row) {
  app.row = row;
  app.probe = null;
  if (app.step !== null) showStep(app.step);
  else refresh();
  say(`Row ${row + 1}: ${rowText(row)}`);
}
