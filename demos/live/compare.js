// ---- another run beside this one ------------------------------------------------------------------

const COMPARED_MS = 9; // of a frame at most

// The other run: its timeline, what differs, and the address that leads to it.
const compared = { timeline: null, what: "", address: "" };

const DIFFERENCES = {
  seed: "the seed", rate: "the learning rate", activation: "the activation", first: "the first hidden layer", second: "the second hidden layer", optimizer: "the optimizer",
};

function differencesPossible() {
  const names = Object.keys(DIFFERENCES), isBuilt = askedNow() !== null;
  return names.filter((name) => (name === "seed" ? data.draws : name === "rate" || isBuilt));
}

function choicesOf(what) {
  const asked = askedNow();
  if (what === "first" || what === "second") {
    const own = asked.hidden[what === "first" ? 0 : 1] || 0;
    return Array.from({ length: MOST_NEURONS + 1 }, (_, size) => [size, size ? countedNouns(size, "neuron") : "none"]).filter(([size]) => size !== own);
  }
  return Object.entries(data.pieces[CHOICES[what]]).filter(([name]) => name !== asked[what]).map(([name, { title }]) => [name, title]);
}

function openCompare() {
  pause();
  const possible = differencesPossible();
  byId("compare-what").replaceChildren(...possible.map((name) => element("option", { value: name }, DIFFERENCES[name])));
  byId("compare").showModal();
  showDifference();
}

function showDifference() {
  const what = byId("compare-what").value, isNumber = what === "seed" || what === "rate";
  byId("compare-choose").hidden = isNumber;
  byId("compare-type").hidden = !isNumber;
  setText(byId("compare-text"), "");
  if (!isNumber) return byId("compare-choice").replaceChildren(...choicesOf(what).map(([value, text]) => element("option", { value }, text)));
  const rate = app.timeline.parameters[data.learningRate];
  byId("compare-number").value = what === "seed" ? (app.seed ?? 0) + 1 : exactly(Number((rate * 10).toPrecision(6)));
  return undefined;
}

function readDifference() {
  const what = byId("compare-what").value, text = byId("compare-number").value.trim();
  if (what === "seed") return /^\d{1,15}$/.test(text) ? { what, value: Number(text) } : { error: "A seed is a whole number, 0 or more, of at most 15 digits." };
  if (what === "rate") return isRate(numberFrom(text)) ? { what, value: numberFrom(text) } : { error: `A learning rate is a number above 0, at most ${counted(LARGEST_NUMBER)}.` };
  const value = byId("compare-choice").value;
  return { what, value: what === "first" || what === "second" ? Number(value) : value };
}

function askedWith({ what, value }) {
  const asked = askedNow();
  if (what !== "first" && what !== "second") return { ...asked, [what]: value };
  const sizes = [asked.hidden[0] || 0, asked.hidden[1] || 0];
  sizes[what === "first" ? 0 : 1] = value;
  return { ...asked, hidden: sizes.filter((size) => size > 0) };
}

// Begin a run that differs in one thing.
function compareWith(difference) {
  const { what, value } = difference, { timeline, seed } = app;
  const isNetwork = what !== "seed" && what !== "rate", asked = isNetwork ? askedWith(difference) : data.asked;
  const made = isNetwork ? new NetworkBuilder(data.pieces, asked) : null;
  const told = made ? { ...made.told, nodes: made.laidOut } : data, isSameSize = told.weights.length === data.weights.length;
  const start = what === "seed" ? seededStart(value) : builtStart(told);
  const hasOwnWeights = what !== "seed" && isSameSize && !timeline.start.subarray(0, data.weights.length).every((number, at) => number === start[at]);
  if (what !== "seed" && isSameSize) start.set(timeline.start.subarray(0, data.weights.length));
  else if (what !== "seed") withDraws(start, told.draws, seed ?? 0);
  if (what !== "optimizer") start[told.learningRate] = what === "rate" ? value : timeline.parameters[data.learningRate];
  compared.timeline = new Timeline(start, timeline.rows, width, made ? new Training(told) : training);
  compared.what = what === "optimizer" ? `${differenceText(difference)}, learning rate ${shown(start[told.learningRate])}` : differenceText(difference);
  compared.address = addressOfStart(asked, what === "seed" ? value : seed, hasOwnWeights ? start : null, start[told.learningRate]);
  byId("compared").hidden = false;
  refresh();
  say(`Compared with ${compared.what}`);
}

// The address of a run from a seed, or from weights, on the data as they are now.
function addressOfStart(asked, seed, weights, rate) {
  const from = seed !== null ? `seed=${seed}` : weights ? `state=${packed(weights)}` : "";
  const changes = changedData(app.timeline).slice(0, MOST_EDITS - 1).map(({ index, number }) => `0:x:${index}:${exactly(number)}`);
  return [addressOfNetwork(asked), from, `lr=${exactly(rate)}`, changes.length ? `edits=${changes.join(",")}` : ""].filter(Boolean).join("&");
}

function differenceText({ what, value }) {
  if (what === "seed") return `seed ${value}`;
  if (what === "rate") return `learning rate ${shown(value)}`;
  if (what === "first" || what === "second") return `${what} hidden layer: ${value ? countedNouns(value, "neuron") : "none"}`;
  return data.pieces[CHOICES[what]][value].title;
}

function endCompare() {
  compared.timeline = null;
  byId("compared").hidden = true;
  refresh();
  say("The comparison has ended");
}

function switchCompare() {
  if (compared.timeline) endCompare();
  else openCompare();
}

// ---- beside this run

// Bring it to the epoch of this run; whether it is there, or can get no further.
function followCompared() {
  const { timeline } = compared, { epoch } = app.timeline;
  if (!timeline) return true;
  if (timeline.epoch > epoch || epoch <= timeline.latest) timeline.goTo(epoch);
  const until = performance.now() + COMPARED_MS;
  while (timeline.epoch < epoch && !timeline.isBroken && performance.now() < until) timeline.train(Math.min(50, epoch - timeline.epoch));
  return timeline.epoch >= epoch || timeline.isBroken;
}

function comparedLosses(last) {
  const { timeline } = compared, points = [];
  if (!timeline) return points;
  const end = Math.min(last, timeline.latest), stride = Math.max(1, Math.floor(end / 600));
  for (let epoch = 0; epoch < end; epoch += stride) points.push([epoch, timeline.losses[epoch]]);
  if (timeline.epoch === timeline.latest && timeline.epoch <= last) points.push([timeline.epoch, timeline.measure().loss]);
  return points;
}

function drawComparedLosses(context, points, area, toX, toY) {
  context.setLineDash([9, 4]);
  drawLosses(context, points, area, toX, toY, css(colour("ink")), 2.5);
  context.setLineDash([]);
}

// The other run's boundary, dashed, where the plane shows the output.
function drawComparedContour(context, area) {
  const { timeline } = compared;
  if (!timeline || app.output >= data.outputs.length) return;
  const numbers = timeline.training.respond((CELLS + 1) ** 2, shown2d.points, timeline.parameters)[app.output];
  drawContour(context, area, numbers, data.scale.threshold, true);
}

function showCompared() {
  const { timeline, what } = compared;
  if (!timeline) return;
  const outputs = timeline.training.respond(timeline.rowCount, timeline.rows, timeline.parameters);
  const right = data.classes.length ? rightRows(outputs, timeline.rows, timeline.rowCount) : null;
  const loss = timeline.measure().loss, rights = right === null ? "" : `, ${right} of ${timeline.rowCount} right`;
  const end = timeline.isBroken ? `stopped at epoch ${counted(timeline.epoch)}: the next loss is not finite` : `loss ${fixed(loss, 4)}${rights}`;
  setText(byId("compared-text"), `- - ${what}: ${end}`);
}

function comparedNumbers() {
  const { timeline } = compared;
  if (!timeline) return null;
  const weights = timeline.training.told.weights.map(({ name: path, place }) => [path, timeline.parameters[place]]);
  return { epoch: timeline.epoch, loss: timeline.measure().loss, losses: Array.from(timeline.losses.subarray(0, timeline.latest)), weights: Object.fromEntries(weights) };
}

function watchCompare() {
  watchClicks({ "open-compare": openCompare, "compared-end": endCompare, "compared-take": () => { location.hash = `${compared.address}&epoch=${app.timeline.epoch}`; endCompare(); } });
  byId("compare-what").addEventListener("change", showDifference);
  byId("compare-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const difference = readDifference();
    if (difference.error) return setText(byId("compare-text"), difference.error);
    byId("compare").close();
    return compareWith(difference);
  });
}
