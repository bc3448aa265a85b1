// ---- a pass layer by layer: 8 steps for one hidden layer ------------------------------------------

// A step is {phase: "layer", of, limits, title, marks, lesson, text}; `of` is the phase that it belongs
// to, `marks` are the nodes and weights that are lit in the network.
let layerSteps = [];

const layerTitle = (at) => (at + 1 === data.layers.length ? "output" : data.layers.length === 2 ? "hidden layer" : `hidden layer ${at + 1}`);
const nodesOf = (layer) => layer.map(({ node }) => node);
const weightsOf = (layer) => layer.flatMap(({ weights }) => weights);

function makeLayerSteps() {
  makeLayerMode();
  const { layers } = data, count = layers.length, outputs = layers[count - 1];
  // After so many forward steps a layer is computed; what comes behind the last makes the loss.
  const computed = layers.map((layer) => 1 + Math.max(...nodesOf(layer).map((node) => scene.computedAt[node - 1])));
  const stageOf = (place) => { const at = computed.findIndex((limit) => scene.computedAt[place - 1] < limit); return at < 0 ? count : at; };
  const done = Array.from({ length: count + 1 }, (_, stage) => 1 + Math.max(-1, ...data.steps.map(({ node }, index) => (stageOf(node) === stage ? scene.doneAt[index] : -1))));
  const all = { nodes: [], weights: layers.flatMap(weightsOf) };
  const steps = [
    ...layers.map((layer, at) => ({ of: "forward", title: `Forward: ${layerTitle(at)}`, limits: { computed: computed[at], backward: -1 }, marks: { nodes: nodesOf(layer), weights: weightsOf(layer) }, lesson: () => forwardLayer(layer), text: () => `${layerTitle(at)}: ${layer.map(({ node }) => `${nodeName(node)} ${general(value(node), 4)}`).join(", ")}`, code: () => layer.flatMap(({ sum, node }) => (sum === node ? [sum] : [sum, node])).map(forwardCode) })),
    { of: "forward", title: "Forward: the loss", limits: { computed: Infinity, backward: -1 }, marks: { nodes: [rootPlace], weights: [] }, lesson: lossLayer, text: () => `${rootName} ${general(value(rootPlace), 4)}`, code: () => data.nodes.filter((node) => node.formula && stageOf(node.place) === count).map((node) => forwardCode(node.place)) },
    { of: "start", title: "Backward: from the loss", limits: { computed: Infinity, backward: done[count] }, marks: { nodes: [rootPlace, ...nodesOf(outputs)], weights: [] }, lesson: () => backwardLoss(outputs), text: () => outputs.map(({ node }) => `d ${rootName}/d ${nodeName(node)} = ${general(gradient(node) ?? 0, 4)}`).join(", "), code: () => [startCode(), ...backwardCodes((node) => stageOf(node) === count)] },
    ...layers.map((layer, at) => ({ of: "backward", title: `Backward: ${layerTitle(at)}`, limits: { computed: Infinity, backward: done[at] }, marks: { nodes: nodesOf(layer), weights: weightsOf(layer) }, lesson: () => backwardLayer(layer, at), text: () => layer.map(({ sum }) => `d ${rootName}/d ${nodeName(sum)} = ${general(gradient(sum) ?? 0, 4)}`).join(", "), code: () => backwardCodes((node) => stageOf(node) === at) })).reverse(),
    { of: "rows", title: "All rows, and their mean", limits: { computed: Infinity, backward: Infinity }, marks: all, lesson: rowsLesson, text: () => `The mean of ${data.rows.length} rows: loss ${general(app.measured.loss, 4)}`, code: meanCode },
    { of: "update", title: "Update", limits: { computed: Infinity, backward: Infinity }, marks: all, lesson: updateAll, text: () => `All ${data.weights.length} weights move against their mean gradients`, code: () => data.weights.map((_, index) => updateCode(index)) },
  ];
  layerSteps = steps.map((step) => ({ ...step, phase: "layer" }));
}

function litNetwork(step) {
  return step.marks ?? null;
}

function setByLayer(on) {
  document.body.classList.toggle("by-layer", on);
  allSteps = on ? layerSteps : [...scene.steps, ...further.steps];
}

// Enter the steps at one of them; layer by layer, if wanted and if the layers are known.
function enterStepsAt(at, byLayer = false) {
  setByLayer(byLayer && hasNetwork());
  enterSteps(at);
}

// The button that steps layer by layer, beside those that step.
function makeLayerMode() {
  byId("walk").before(element("button", { id: "layer-mode", type: "button", "aria-pressed": "false", "data-key": "I", onclick: toggleLayers }, "By layer"));
}

// Step layer by layer, or leave that.
function toggleLayers() {
  if (!hasNetwork()) return;
  const isOn = app.step !== null && document.body.classList.contains("by-layer");
  if (app.step !== null) leaveSteps();
  if (!isOn) enterStepsAt(0, true);
}

function showStepModes() {
  const byLayer = document.body.classList.contains("by-layer"), stepping = app.step !== null;
  byId("step-mode").setAttribute("aria-pressed", String(stepping && !byLayer));
  byId("layer-mode")?.setAttribute("aria-pressed", String(stepping && byLayer));
}

// ---- what is said of a layer

function chips(...all) {
  return element("div", { class: "row-chips" }, ...all);
}

function chip(title, ...parts) {
  return element("span", { class: "row-chip" }, element("small", {}, title), element("span", {}, ...parts));
}

function forwardLayer(layer) {
  const [{ node, sum, weights }] = layer, isLinear = node === sum;
  return [
    line("rule", name(nodeName(sum)), ` = ${withNames(data.nodes[sum - 1].formula)}`, ...(isLinear ? [] : [", ", name(nodeName(node)), ` = ${withNames(data.nodes[node - 1].formula)}`])),
    line("numbers", name(nodeName(sum)), ` = ${withNumbers(data.nodes[sum - 1].formula, 3)} = `, signedNumber(value(sum), 3)),
    chips(...layer.map((each) => chip(nodeName(each.node), ...(isLinear ? [] : [shown(value(each.sum), 3), " → "]), signedNumber(value(each.node), 3)))),
    note(`Each of the ${countedNouns(layer.length, "neuron")} adds its bias and ${countedNouns(weights.length, "number")}, each times a weight${isLinear ? "" : "; its activation bends the sum"}.`),
  ];
}

function lossLayer() {
  return [
    ...data.nodes.filter((node) => node.formula && scene.computedAt[node.place - 1] >= layerSteps[data.layers.length - 1].limits.computed).slice(-3).map((node) => line(nodeName(node.place), ` = ${withNames(node.formula)} = ${withNumbers(node.formula, 3)} = `, signedNumber(value(node.place)))),
    note("How wrong the output is, as one number. The way back asks of each number before it: if it grew a little, how much would the loss grow?"),
  ];
}

function backwardLoss(outputs) {
  return [
    line("start", fraction(rootName, rootName), " = ", number("1", "plus")),
    chips(...outputs.map(({ node }) => chip(`d ${rootName} / d ${nodeName(node)}`, signedNumber(gradient(node) ?? 0)))),
    note(`How much ${rootName} would grow, if the output grew a little. It points the way: ${outputs.length > 1 ? "each output" : "the output"} has to go against it.`),
  ];
}

function backwardLayer(layer, at) {
  const [{ node, sum }] = layer, isLinear = node === sum, use = data.steps.findIndex((step) => step.node === node && step.parent === sum);
  const before = at ? nodesOf(data.layers[at - 1]) : [];
  return [
    ...(isLinear || use < 0 ? [] : [line("chain rule", fraction(rootName, nodeName(sum)), " = ", fraction(rootName, nodeName(node)), " × ", fraction(nodeName(node), nodeName(sum)), " = ", signedNumber(stepNumbers(use).upstream, 3), " × ", signedNumber(stepNumbers(use).local, 3), " = ", signedNumber(gradient(sum) ?? 0, 3))]),
    line("weights", "each gets that times what it was multiplied with: ", fraction(rootName, nodeName(layer[0].weights[0])), " = ", signedNumber(gradient(layer[0].weights[0]) ?? 0, 3)),
    chips(...layer.map((each) => chip(`d ${rootName} / d ${nodeName(each.sum)}`, signedNumber(gradient(each.sum) ?? 0, 3)))),
    ...(before.length ? [note(`And ${before.map(nodeName).join(", ")} get it times the weight between: a sum over all their uses.`)] : [note("The inputs are given, so here the way back ends.")]),
  ];
}

// All weights move at once; the one with the largest gradient on the loss's slice.
function updateAll() {
  const { means, news } = app.measured, largest = means.reduce((best, mean, index) => (Math.abs(mean) > Math.abs(means[best]) ? index : best), 0);
  const old = (index) => app.timeline.parameters[data.weights[index].place];
  const rows = data.weights.map((weight, index) => element("tr", { class: index === largest ? "active" : "" }, element("th", { scope: "row" }, weight.name), element("td", {}, shown(old(index))), element("td", {}, signed(news[index] - old(index), 2)), element("td", {}, shown(news[index]))));
  const table = tableOfWeights("What the update changes", ["weight", "old", "change", "new"], rows);
  return [
    line("rule", name("w"), " ← ", ...(data.updates[0] ? [name("w"), " − ", `${shown(app.timeline.parameters[data.learningRate])} × mean of `, fraction(rootName, "w")] : ["what the optimizer makes of w, its gradient and its memory"])),
    element("div", { class: "update" }, table, slicePlot(largest, old(largest), news[largest])),
  ];
}
