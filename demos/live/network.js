// ---- the network as a person draws it ---------------------------------------------------------

// Neurons are circles with what they give for the whole plane inside, weights are lines.  A click on
// a neuron opens it into its operations: the graph.
const networkArea = byId("network-area");
const inputPlaces = data.columns.slice(0, data.inputs.length);
const CAPTION = { line: 20, wide: 100, below: 34 };
const NARROW = 620; // an area in which the loss stands below the output
const CIRCLE = { least: 24, most: 128 };
const LABEL = { plain: 66, gradient: 120, height: 22 };
const LOSS_BOX = { wide: 124, narrow: 96, h: 56 };
const LATER = { wide: 1.3, narrow: 1.7 }; // how much wider the gaps behind hidden layers are
const EDGE = 62; // from the sides to the middles of the outermost circles
const ALONG = [0.5, 0.4, 0.6, 0.3, 0.7, 0.22, 0.78, 0.84, 0.16]; // where a weight's number may stand on its line
const network = { neurons: [], weights: [], lossBox: null, laidOut: "" };

function hasNetwork() {
  return data.layers.length > 0;
}

function isNetworkShown() {
  return hasNetwork() && (app.step === null ? document.body.dataset.view === "network" : document.body.classList.contains("by-layer"));
}

function makeNetwork() {
  byId("views").hidden = !hasNetwork();
  if (!hasNetwork()) return;
  const svg = svgElement("svg", { "aria-hidden": "true" });
  networkArea.replaceChildren(svg);
  const columns = [inputPlaces.map((node, at) => ({ node, sum: node, weights: [], bias: 0, input: at })), ...data.layers];
  Object.assign(network, { neurons: [], weights: [], laidOut: "" });
  let hidden = data.outputs.length;
  columns.forEach((layer, column) => {
    layer.forEach((neuron, row) => {
      const isOutput = column === data.layers.length;
      // The field of the plane that it shows: outputs come first, an input has none of its own.
      const fieldIndex = !column ? -1 : isOutput ? row : hidden++;
      network.neurons.push(makeNeuron(neuron, { column, row, count: layer.length, fieldIndex }));
    });
  });
  for (const to of network.neurons) {
    to.weights.forEach((place, at) => network.weights.push(makeWeight(place, network.neurons.find((each) => each.column === to.column - 1 && each.row === at), to)));
  }
  network.toLoss = network.neurons.filter((each) => each.column === data.layers.length).map((from) => ({ from, path: svgElement("path", { class: "to-loss" }) }));
  // Numbers lie above all lines.
  svg.append(...network.toLoss.map(({ path }) => path), ...network.weights.map(({ group }) => group), ...network.weights.map(({ text }) => text));
  network.lossBox = element("button", { type: "button", class: "loss-box", onclick: () => openNeuron({ node: rootPlace, sum: rootPlace, weights: [], bias: 0, fieldIndex: -1 }) });
  networkArea.append(...network.neurons.flatMap(({ button, caption }) => [button, caption]), network.lossBox);
  document.body.dataset.view = "network";
}

function makeNeuron(neuron, more) {
  const isInput = more.column === 0;
  const made = { ...neuron, ...more, caption: element("div", { class: "caption", "aria-hidden": "true" }, element("b"), element("span")) };
  made.canvas = data.domain ? element("canvas", { width: CELLS + 1, height: CELLS + 1, "aria-hidden": "true" }) : "";
  made.button = element("button", { type: "button", class: isInput ? "neuron input" : "neuron", "data-node": neuron.node, onclick: () => openNeuron(made) }, made.canvas);
  for (const [come, go] of [["pointerenter", "pointerleave"], ["focus", "blur"]]) {
    made.button.addEventListener(come, () => peek(made.fieldIndex));
    made.button.addEventListener(go, () => peek(0));
  }
  return made;
}

// While it is pointed at, the plane shows what a neuron gives.
function peek(index) {
  if (data.domain && index >= 0 && isNetworkShown() && app.output !== index) showOutput(index);
}

function makeWeight(place, from, to) {
  const group = svgElement("g", { class: "weight" }), text = svgElement("text", { class: "weight-number" });
  const [reach, seen] = [svgElement("path", { class: "reach" }), svgElement("path", { class: "seen" })];
  group.append(reach, seen);
  const weight = { place, from, to, group, reach, seen, text };
  for (const part of [group, text]) {
    part.addEventListener("click", () => select(place));
    part.addEventListener("pointerenter", () => mark(weight, "pointed", true));
    part.addEventListener("pointerleave", () => mark(weight, "pointed", false));
  }
  return weight;
}

function mark({ group, text }, name, on) {
  for (const part of [group, text]) part.classList.toggle(name, on);
}

// ---- opened, and closed again

function openNeuron(neuron) {
  letStepWait();
  showView("graph");
  app.selected = neuron.node;
  const own = [neuron.node, neuron.sum, ...neuron.weights, ...(neuron.bias ? [neuron.bias] : [])];
  const uses = data.steps.filter((step) => own.includes(step.node) && own.includes(step.parent));
  const places = [...own, ...data.nodes[neuron.sum - 1].parents], keys = uses.map((use) => scene.arrowOf(use.node, use.position));
  light(places, keys);
  lookAt(places, keys);
  focusBox(neuron.node);
  if (neuron.fieldIndex >= 0 && data.domain) showOutput(neuron.fieldIndex);
  refresh();
  say(`${nodeName(neuron.node)}, opened: ${explanationText(neuron.node)}`);
}

function showView(view) {
  if (!hasNetwork() || document.body.dataset.view === view) return;
  document.body.dataset.view = view;
  if (view === "network") {
    app.selected = 0;
    light([], []);
    if (data.domain) showOutput(0);
  }
  if (app.step === null) lookAtAll(true);
  refresh();
  say(view === "network" ? "The network" : "Its operations");
}

function switchView() {
  leaveSteps();
  showView(document.body.dataset.view === "network" ? "graph" : "network");
}

// ---- where all is

function layOutNetwork(mode) {
  const across = networkArea.clientWidth, down = networkArea.clientHeight - CAPTION.below;
  const key = [across, down, mode].join(" ");
  if (network.laidOut === key || down < 40) return;
  network.laidOut = key;
  const isNarrow = across < NARROW, [boxWidth, later] = [LOSS_BOX, LATER].map((each) => (isNarrow ? each.narrow : each.wide));
  const right = across - EDGE - (isNarrow ? 0 : boxWidth + 44);
  // Behind hidden neurons there is room for their captions.
  const gap = (right - EDGE) / (1 + later * (data.layers.length - 1)), most = Math.max(...network.neurons.map(({ count }) => count));
  // Captions stand beside the circles where there is room, or else below them.
  const isBeside = (pitch) => pitch < 120 && (gap > CAPTION.wide + 60 || pitch < 60);
  const roomBelow = (pitch) => (isBeside(pitch) ? 8 : (pitch < 90 ? 1 : 2) * CAPTION.line + 10);
  const size = between(CIRCLE.least, Math.min(down / most - roomBelow(down / most), gap * 0.5), CIRCLE.most);
  const output = {}; // the last one
  for (const neuron of network.neurons) {
    const { column, row, count, button, caption } = neuron, least = size + 2 * CAPTION.line + 14, hasRoom = !column && down / count >= least;
    const pitch = Math.min(down / count, Math.max(2.2 * size + 2 * CAPTION.line, hasRoom ? least : 0)), below = hasRoom ? 2 * CAPTION.line + 10 : roomBelow(pitch);
    const isLast = column === data.layers.length, beside = isBeside(pitch) && !isLast && !hasRoom, lines = (!hasRoom && pitch < (beside ? 46 : 90) ? 1 : 2) + (isLast ? 1 : 0);
    const x = EDGE + (column ? gap * (1 + later * (column - 1)) : 0), aside = isLast && isNarrow && count === 1 ? (CAPTION.line + LOSS_BOX.h + 14) / 2 : 0;
    const y = down / 2 + (row - (count - 1) / 2) * pitch - (beside ? 0 : below / 2) - aside;
    Object.assign(neuron, { x, y, size, beside, lines });
    Object.assign(button.style, { left: `${x - size / 2}px`, top: `${y - size / 2}px`, width: `${size}px`, height: `${size}px` });
    caption.classList.toggle("beside", beside);
    Object.assign(caption.style, beside ? { left: `${x + size / 2 + 3}px`, top: `${y}px` } : { left: `${Math.min(x, across - CAPTION.wide / 2)}px`, top: `${y + size / 2 + 3}px` });
    caption.lastChild.hidden = lines < 2 && mode === "plain";
    caption.firstChild.hidden = lines < 2 && mode === "gradient" && column > 0;
    Object.assign(output, isLast ? neuron : {});
  }
  const lossX = across - boxWidth / 2 - (isNarrow ? 0 : 8);
  const lossY = isNarrow ? Math.min(down - LOSS_BOX.h / 2, output.y + output.size / 2 + 3 * CAPTION.line + 14 + LOSS_BOX.h / 2) : down / 2;
  Object.assign(network.lossBox.style, { left: `${lossX - boxWidth / 2}px`, top: `${lossY - LOSS_BOX.h / 2}px`, width: `${boxWidth}px`, minHeight: `${LOSS_BOX.h}px` });
  for (const { from, path } of network.toLoss) path.setAttribute("d", isNarrow ? "" : bend({ x: from.x + from.size / 2, y: from.y }, { x: lossX - boxWidth / 2, y: lossY }).path);
  placeLabels(LABEL[mode]);
}

function bend(from, to) {
  const half = (from.x + to.x) / 2;
  const at = (t) => {
    const s = 1 - t, [a, b, c, d] = [s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t];
    return { x: a * from.x + (b + c) * half + d * to.x, y: (a + b) * from.y + (c + d) * to.y };
  };
  return { path: `M${from.x.toFixed(1)} ${from.y.toFixed(1)}C${[half, from.y, half, to.y, to.x, to.y].map((each) => each.toFixed(1)).join(" ")}`, at };
}

// Each weight's number where it covers nothing; where there is no such place, it shows while the line
// is pointed at.
function placeLabels(width) {
  const taken = network.neurons.flatMap(({ x, y, size, beside, lines }) => [
    { x: x - size / 2, y: y - size / 2, w: size, h: size },
    { x: beside ? x + size / 2 : x - CAPTION.wide / 2, y: beside ? y - (lines * CAPTION.line) / 2 : y + size / 2, w: CAPTION.wide, h: lines * CAPTION.line + 4 },
  ]);
  for (const { from, to, reach, seen, text } of network.weights) {
    const line = bend({ x: from.x + from.size / 2, y: from.y }, { x: to.x - to.size / 2, y: to.y });
    reach.setAttribute("d", line.path);
    seen.setAttribute("d", line.path);
    const rectAt = (t) => { const { x, y } = line.at(t); return { x: x - width / 2, y: y - LABEL.height / 2, w: width, h: LABEL.height }; };
    const free = ALONG.map(rectAt).find((rect) => !taken.some((other) => overlap(rect, other)));
    const rect = free || rectAt(0.5);
    if (free) taken.push(free);
    text.classList.toggle("spare", !free);
    text.setAttribute("x", (rect.x + width / 2).toFixed(1));
    text.setAttribute("y", (rect.y + 15.5).toFixed(1));
  }
}

function overlap(one, other) {
  return one.x < other.x + other.w && other.x < one.x + one.w && one.y < other.y + other.h && other.y < one.y + one.h;
}

// ---- its numbers

function showNetwork() {
  for (const view of ["network", "graph"]) byId(`view-${view}`).setAttribute("aria-pressed", String((isNetworkShown() ? "network" : "graph") === view));
  setText(byId("view-name"), isNetworkShown() ? "Network, with" : "Graph of");
  if (!isNetworkShown()) return;
  const limits = app.step === null ? null : limitsOf(allSteps[app.step]), lit = app.step === null ? null : litNetwork(allSteps[app.step]);
  const isBackward = limits !== null && limits.backward >= 0;
  layOutNetwork(isBackward ? "gradient" : "plain");
  networkArea.classList.toggle("dimmed", lit !== null);
  for (const neuron of network.neurons) showNeuron(neuron, limits, lit);
  showWeightLines(limits, lit);
  const isKnown = !limits || scene.computedAt[rootPlace - 1] < limits.computed;
  const targets = data.columns.slice(data.inputs.length).map((place) => shown(value(place), 3)).join(", ");
  const lossText = isKnown ? shown(value(rootPlace), 3) : "·";
  setText(network.lossBox, `${rootName} ${lossText}`);
  network.lossBox.append(element("br"), `target ${targets}`);
  network.lossBox.setAttribute("aria-label", `${rootName} ${lossText}, target ${targets}: open its operations`);
  network.lossBox.classList.toggle("lit", lit !== null && lit.nodes.includes(rootPlace));
}

// A number in so few letters that it has room beside its line.
function brief(number) {
  return number !== 0 && Math.abs(number) < 5e-4 ? "≈ 0" : signed(number, 2);
}

function showNeuron(neuron, limits, lit) {
  const { node, bias, column, canvas, button, caption, fieldIndex } = neuron, called = nodeName(node);
  const isKnown = !limits || !column || scene.computedAt[node - 1] < limits.computed;
  const grad = limits && limits.backward >= 0 && isComplete(node, limits.backward) ? gradient(node, limits.backward) : null;
  const text = `${called} ${isKnown ? shown(value(node), 3) : "·"}`, isLast = column === data.layers.length;
  setText(caption.firstChild, isLast ? text.replace(/ (?=\S+$)/, "\n") : text);
  const below = grad !== null ? `grad ${brief(grad)}` : bias ? `bias ${brief(value(bias))}` : "";
  setText(caption.lastChild, below);
  caption.lastChild.className = grad > 0 ? "plus" : grad < 0 ? "minus" : "";
  button.classList.toggle("pending", !isKnown);
  button.classList.toggle("lit", lit !== null && lit.nodes.includes(node));
  const label = `${text}${bias ? `, bias ${signed(value(bias), 3)}` : ""}${grad !== null ? `, ${below}` : ""}: open its operations`;
  if (button.getAttribute("aria-label") !== label) button.setAttribute("aria-label", label);
  if (!canvas) return tint(button, value(node));
  field.palette = field.palette || palette();
  if (column) paintField(canvas, shown2d.grid[fieldIndex], rangeOf(fieldIndex));
  else paintField(canvas, inputField(neuron.input), inputRange(neuron.input));
  markRow(canvas);
  return undefined;
}

// Without a plane a circle has the colour of its number.
function tint(button, number) {
  const share = Math.min(1, Math.abs(number)) * 100;
  button.style.background = `color-mix(in srgb, var(--${number < 0 ? "minus" : "plus"}-field) ${share.toFixed(0)}%, var(--middle))`;
}

const inputFields = [];

function inputRange(at) {
  return data.domain.slice(2 * at, 2 * at + 2);
}

// An input over the plane: its coordinate.
function inputField(at) {
  const side = CELLS + 1, [low, high] = inputRange(at);
  inputFields[at] = inputFields[at] || Float64Array.from({ length: side * side }, (_, k) => low + ((high - low) * (at ? Math.floor(k / side) : k % side)) / CELLS);
  return inputFields[at];
}

// Where the row that is shown lies in the picture.
function markRow(canvas) {
  const context = canvas.getContext("2d"), [x, y] = shownRow(), [left, right, bottom, top] = data.domain;
  context.beginPath();
  context.arc(0.5 + (CELLS * (x - left)) / (right - left), 0.5 + (CELLS * (top - y)) / (top - bottom), 3, 0, 2 * Math.PI);
  context.fillStyle = css(colour("ink"));
  context.fill();
  context.strokeStyle = css(colour("point-edge"));
  context.lineWidth = 1.5;
  context.stroke();
}

function showWeightLines(limits, lit) {
  const largest = Math.max(...network.weights.map(({ place }) => Math.abs(value(place))).filter(Number.isFinite), 1e-300);
  for (const weight of network.weights) {
    const { place, group, text } = weight;
    const number = value(place), grad = limits && limits.backward >= 0 && isComplete(place, limits.backward) ? gradient(place, limits.backward) : null;
    group.style.setProperty("--size", (1 + 8 * Math.min(1, Math.abs(number) / largest || 0)).toFixed(1));
    const sign = number < 0 ? "minus" : number > 0 ? "plus" : "";
    if (group.dataset.sign !== sign) group.dataset.sign = sign;
    const tone = (grad ?? number) < 0 ? "minus" : (grad ?? number) > 0 ? "plus" : "";
    if (text.dataset.sign !== tone) text.dataset.sign = tone;
    setText(text, grad !== null ? `grad ${brief(grad)}` : brief(number));
    mark(weight, "chosen", app.selected === place);
    mark(weight, "lit", lit !== null && lit.weights.includes(place));
  }
}

function watchNetwork() {
  if (!hasNetwork()) return;
  watchClicks({ "view-network": () => { leaveSteps(); showView("network"); }, "view-graph": () => { if (app.step !== null && document.body.classList.contains("by-layer")) leaveSteps(); showView("graph"); } });
  new ResizeObserver(refresh).observe(networkArea);
}
