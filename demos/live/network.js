// ---- the network as a person draws it ---------------------------------------------------------

// Neurons are circles with what they give for the whole plane inside, weights are lines.  A click on
// a neuron opens it into its operations: the graph.
const networkArea = byId("network-area");
const inputPlaces = data.columns.slice(0, data.inputs.length);
const CAPTION = { line: 20 };
const CIRCLE = { least: 24, most: 128, pitch: 28 };
const LOWEST = 172; // the output with its caption and the loss below it
const LABEL = 22; // the height of a weight's number
const LOSS_BOX = { gap: 36, h: 56 };
const EDGE = 4; // from the sides to the outermost circles and captions
const LINES = [{ gap: 96, least: 44 }, { gap: 60, least: 36 }, { gap: 30, least: CIRCLE.least }]; // lines should have so much room, and circles
const ALONG = [50, 44, 56, 38, 62, 32, 68, 26, 74, 20, 80, 14, 86, 10, 90].map((share) => share / 100); // where a weight's number may stand on its line
const network = { columns: [], neurons: [], weights: [], order: [], lossBox: null, lossTexts: [], lossWidth: 0, measured: "", laidOut: "", isNamed: true };

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
  Object.assign(network, { neurons: [], weights: [], measured: "", laidOut: "" });
  let hidden = data.outputs.length;
  columns.forEach((layer, column) => {
    layer.forEach((neuron, row) => {
      const isOutput = column === data.layers.length;
      // The field of the plane that it shows: outputs come first, an input has none of its own.
      const fieldIndex = !column ? -1 : isOutput ? row : hidden++;
      network.neurons.push(makeNeuron(neuron, { column, row, count: layer.length, fieldIndex }));
    });
  });
  network.columns = columns.map((_, column) => ({ neurons: network.neurons.filter((each) => each.column === column) }));
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

// Captions beside dense circles or below them, at most so many lines of them, with their names or
// without, the loss at the right or below the output: the first way that has room.  If none has, the
// drawing is wider than its area.
const WAYS = [
  { isBeside: true, most: 2, isNamed: true, isLossRight: true },
  { isBeside: true, most: 2, isNamed: true, isLossRight: false },
  { isBeside: false, most: 2, isNamed: true, isLossRight: false },
  { isBeside: true, most: 1, isNamed: true, isLossRight: false },
  { isBeside: true, most: 1, isNamed: false, isLossRight: false },
];

function layOutNetwork(mode) {
  const across = networkArea.clientWidth, densest = Math.max(...network.columns.map(({ neurons }) => neurons.length));
  const down = Math.max(networkArea.clientHeight, densest * CIRCLE.pitch, LOWEST);
  if (!app.playing) network.order = network.weights.map(({ place }, at) => [Math.abs(value(place)), at]).sort(([one], [two]) => two - one).map(([, at]) => at);
  measureCaptions(mode);
  const key = [across, down, mode, network.columns.map(({ name, number, below }) => [name, number, below]), network.lossWidth, network.order, network.weights.map(({ width }) => width)].join(" ");
  if (network.laidOut === key || across < 40) return;
  network.laidOut = key;
  const plan = planFor(across, down);
  network.isNamed = plan.way.isNamed;
  const spare = Math.max(0, across - plan.needed) / network.columns.length;
  Object.assign(networkArea.firstChild.style, { width: `${Math.max(across, plan.needed)}px`, height: `${down}px` });
  let x = EDGE + spare / 2;
  plan.columns.forEach(({ before, size, pitch, isBeside, lines, middle }, column) => {
    x += before + (column ? spare : 0);
    for (const neuron of network.columns[column].neurons) placeNeuron(neuron, { x, y: middle + (neuron.row - (neuron.count - 1) / 2) * pitch, size, isBeside, lines, mode });
  });
  const last = plan.columns[plan.columns.length - 1], { lossWidth: width } = network, isRight = plan.way.isLossRight;
  const lossX = isRight ? x + last.right + LOSS_BOX.gap + spare / 2 + width / 2 : x, lossY = isRight ? down / 2 : last.middle + last.size / 2 + last.lines * CAPTION.line + 12 + LOSS_BOX.h / 2;
  Object.assign(network.lossBox.style, { left: `${lossX - width / 2}px`, top: `${lossY - LOSS_BOX.h / 2}px`, width: `${width}px`, minHeight: `${LOSS_BOX.h}px` });
  for (const { from, path } of network.toLoss) path.setAttribute("d", isRight ? bend({ x: from.x + from.size / 2, y: from.y }, { x: lossX - width / 2, y: lossY }).path : "");
  placeLabels();
}

// How wide captions are, in steps; what has once been wide stays so, and nothing jumps to and fro.
function measureCaptions(mode) {
  if (network.measured !== mode) {
    Object.assign(network, { measured: mode, lossWidth: 0 });
    for (const column of network.columns) Object.assign(column, { name: 0, number: 0, below: 0 });
    for (const weight of network.weights) weight.width = 0;
  }
  for (const column of network.columns) {
    for (const { texts } of column.neurons) {
      const { name, number, below } = column;
      Object.assign(column, { name: Math.max(name, wide(`${texts.name} `, 650)), number: Math.max(number, wide(texts.number, 650)), below: Math.max(below, wide(texts.below, 400)) });
    }
  }
  for (const weight of network.weights) weight.width = Math.max(weight.width, wide(weight.text.textContent, 600));
  network.lossWidth = Math.max(network.lossWidth, ...network.lossTexts.map((text) => wide(text, 400) + 12));
}

const widths = new Map();

// All digits are as wide as a 0.
function wide(text, weight) {
  const key = `${weight} ${text.replaceAll(/\d/g, "0")}`;
  if (!widths.has(key)) widths.set(key, 8 * Math.ceil((widthOf(text, weight) * 0.8 + 4) / 8));
  return widths.get(key);
}

function planFor(across, down) {
  const isOne = data.layers[data.layers.length - 1].length === 1, ways = WAYS.filter(({ isLossRight }) => isOne || isLossRight);
  for (const { gap, least } of LINES) {
    for (const way of ways) {
      for (let most = CIRCLE.most; most >= least; most -= 4) {
        const plan = planOf(way, down, gap, most);
        if (plan.needed <= across) return plan;
      }
    }
  }
  return planOf(ways[ways.length - 1], down, LINES[1].gap, CIRCLE.least);
}

// Where the columns are if circles are at most so large and lines have at least that gap.
function planOf(way, down, gap, most) {
  const densest = Math.max(...network.columns.map(({ neurons }) => neurons.length));
  const heightOf = (count) => down / count, isDense = heightOf(densest) < 120;
  const room = heightOf(densest) - (isDense && way.isBeside ? 8 : CAPTION.line * (heightOf(densest) < 90 ? 1 : 2) + 10);
  const size = between(CIRCLE.least, room, most);
  const columns = network.columns.map(({ neurons, name, number, below }, column) => {
    const count = neurons.length, isLast = column === data.layers.length, high = heightOf(count), all = isLast ? 3 : below > 4 ? 2 : 1;
    const under = isLast && !way.isLossRight ? LOSS_BOX.h + 14 : 0, own = between(CIRCLE.least, down - all * CAPTION.line - 12 - under, size);
    const fits = (lines) => own + lines * CAPTION.line + 8 <= high - under;
    const isBeside = fits(all) ? false : isLast ? !fits(1) : way.isBeside || !fits(1);
    const lines = isBeside ? (high < 46 ? 1 : Math.min(way.most, all)) : fits(all) ? all : 1;
    const first = isLast && lines === 3 ? Math.max(name, number) : way.isNamed || !isBeside || !column ? name + number : number;
    const isGradient = network.measured === "gradient" && column > 0, half = own / 2;
    const wide = lines > 1 ? Math.max(first, below) : isGradient ? below : first;
    const [left, right] = isBeside ? [half, half + 3 + wide] : [Math.max(half, wide / 2), Math.max(half, wide / 2, under ? network.lossWidth / 2 : 0)];
    const beneath = (isBeside ? 0 : lines * CAPTION.line + 3) + under, pitch = Math.min(high, 2.2 * own + 2 * CAPTION.line);
    return { size: own, isBeside, lines, left: under ? right : left, right, pitch: Math.max(pitch, isBeside ? 0 : own + lines * CAPTION.line + 8), middle: (down - beneath) / 2 };
  });
  columns.forEach((each, at) => {
    const before = columns[at - 1];
    each.before = !before ? each.left : Math.max(before.right + each.left + 4, (before.isBeside ? before.right : before.size / 2) + gap + each.size / 2);
  });
  const last = columns[columns.length - 1], loss = way.isLossRight ? LOSS_BOX.gap + network.lossWidth : 0;
  return { way, columns, needed: 2 * EDGE + columns.reduce((sum, { before }) => sum + before, 0) + last.right + loss };
}

function placeNeuron(neuron, { x, y, size, isBeside, lines, mode }) {
  const { column, button, caption } = neuron;
  Object.assign(neuron, { x, y, size, isBeside, lines });
  Object.assign(button.style, { left: `${x - size / 2}px`, top: `${y - size / 2}px`, width: `${size}px`, height: `${size}px` });
  caption.classList.toggle("beside", isBeside);
  Object.assign(caption.style, isBeside ? { left: `${x + size / 2 + 3}px`, top: `${y}px` } : { left: `${x}px`, top: `${y + size / 2 + 3}px` });
  caption.lastChild.hidden = lines < 2 && mode === "plain";
  caption.firstChild.hidden = lines < 2 && mode === "gradient" && column > 0;
  showCaption(neuron);
}

function bend(from, to) {
  const half = (from.x + to.x) / 2;
  const at = (t) => {
    const s = 1 - t, [a, b, c, d] = [s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t];
    return { x: a * from.x + (b + c) * half + d * to.x, y: (a + b) * from.y + (c + d) * to.y };
  };
  return { path: `M${from.x.toFixed(1)} ${from.y.toFixed(1)}C${[half, from.y, half, to.y, to.x, to.y].map((each) => each.toFixed(1)).join(" ")}`, at };
}

// Each weight's number where it covers nothing, the largest first; where there is no such place, it
// shows while the line is pointed at or chosen.
function placeLabels() {
  const taken = network.neurons.flatMap(({ x, y, size, caption }) => [
    { x: x - size / 2, y: y - size / 2, w: size, h: size },
    { x: caption.classList.contains("beside") ? x + size / 2 : x - caption.offsetWidth / 2, y: caption.classList.contains("beside") ? y - caption.offsetHeight / 2 : y + size / 2, w: caption.offsetWidth + 3, h: caption.offsetHeight + 3 },
  ]);
  const { lossBox } = network;
  taken.push({ x: lossBox.offsetLeft, y: lossBox.offsetTop, w: lossBox.offsetWidth, h: lossBox.offsetHeight });
  for (const { from, to, reach, seen, text, width } of network.order.map((at) => network.weights[at])) {
    const line = bend({ x: from.x + from.size / 2, y: from.y }, { x: to.x - to.size / 2, y: to.y });
    reach.setAttribute("d", line.path);
    seen.setAttribute("d", line.path);
    const rectAt = (t) => { const { x, y } = line.at(t); return { x: x - width / 2, y: y - LABEL / 2, w: width, h: LABEL }; };
    const free = ALONG.map(rectAt).find((rect) => rect.y >= 0 && rect.y + rect.h <= parseFloat(networkArea.firstChild.style.height) && !taken.some((other) => overlap(rect, other)));
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
  networkArea.classList.toggle("dimmed", lit !== null);
  for (const neuron of network.neurons) showNeuron(neuron, limits, lit);
  showWeightLines(limits, lit);
  const isKnown = !limits || scene.computedAt[rootPlace - 1] < limits.computed;
  const targets = data.columns.slice(data.inputs.length).map((place) => shown(value(place), 3)).join(", ");
  const lossText = isKnown ? shown(value(rootPlace), 3) : "·";
  network.lossTexts = [`${rootName} ${lossText}`, `target ${targets}`];
  setText(network.lossBox, network.lossTexts.join("\n"));
  network.lossBox.setAttribute("aria-label", `${network.lossTexts.join(", ")}: open its operations`);
  network.lossBox.classList.toggle("lit", lit !== null && lit.nodes.includes(rootPlace));
  layOutNetwork(isBackward ? "gradient" : "plain");
  for (const neuron of network.neurons) showCaption(neuron);
}

// A number in so few letters that it has room beside its line.
function brief(number) {
  return number !== 0 && Math.abs(number) < 5e-4 ? "≈ 0" : signed(number, 2);
}

function showNeuron(neuron, limits, lit) {
  const { node, bias, column, canvas, button, caption, fieldIndex } = neuron, called = nodeName(node);
  const isKnown = !limits || !column || scene.computedAt[node - 1] < limits.computed;
  const grad = limits && limits.backward >= 0 && isComplete(node, limits.backward) ? gradient(node, limits.backward) : null;
  const number = isKnown ? shown(value(node), 3) : "·", text = `${called} ${number}`;
  const below = grad !== null ? `grad ${brief(grad)}` : bias ? `bias ${brief(value(bias))}` : "";
  neuron.texts = { name: called, number, below };
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

// The output's name has a line of its own where there are three.
function showCaption({ texts: { name, number }, caption, column, isBeside, lines }) {
  const isNamed = network.isNamed || !isBeside || !column;
  setText(caption.firstChild, isNamed ? `${name}${lines === 3 ? "\n" : " "}${number}` : number);
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
