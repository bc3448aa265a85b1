// ---- what this page has besides a graph: rows, weights that train, and their update -----------

const width = data.inputs.length + data.targets.length;

// The row that is shown first: one with inputs that are not 0, or nothing would flow through weights.
const FIRST_ROW = Math.max(0, data.rows.findIndex((row) => row.slice(0, data.inputs.length).some((number) => number !== 0)));

const app = {
  timeline: null,
  seed: null,
  moment: null, // the weights and the rest of an address, if the run starts from them
  scene: null, // of the lesson in five scenes
  row: FIRST_ROW,
  probe: null, // a point that is not in the data set: a row of its own
  selected: 0, // the node that is explained; 0 is none
  step: null, // the step that is shown; null when training
  waiting: null, // the step that waits while a box is explained
  output: 0, // what the boundary shows: an output, or a neuron
  playing: false,
  speed: 1000,
  measured: null,
  pass: startPass,
  numbers: start.slice(), // of the variables: of the weights and of the row
  isPredicting: false,
  isAsking: false, // the step that is shown has not been answered yet
};

// The steps of the update follow those of the backward pass.
const further = {
  steps: data.weights.map((_, index) => ({ phase: "update", index })),
  lastLabel: () => "Update →",
  isTheEnd: () => false,
  isTheStart: () => app.timeline.epoch === 0,

  // The graph that is stepped through stays, where the network is the view at rest.
  beforeExplaining() {
    if (!document.body.classList.contains("by-layer")) showView("graph");
  },

  afterTheLast() {
    trainBy(1);
    if (app.timeline.isBroken) return leaveSteps();
    showStep(0);
  },

  beforeTheFirst() {
    if (app.timeline.epoch === 0) return say("This is the first step of epoch 0.");
    app.timeline.goTo(app.timeline.epoch - 1);
    showStep(allSteps.length - 1);
  },

  lit(step) {
    if (step.marks) return [[...step.marks.nodes, ...step.marks.weights], []];
    return [[placeOfWeight(step.index) || rootPlace], []];
  },

  title(step) {
    if (step.title) return step.title;
    return `Update ${step.index + 1} of ${data.weights.length}`;
  },

  text(step) {
    if (step.text) return step.text();
    const weight = data.weights[step.index], old = app.timeline.parameters[weight.place];
    return `${weight.name}: ${general(old, 6)} becomes ${general(app.measured.news[step.index], 6)}`;
  },

  // While weights are updated, their boxes have what the update uses, and then what it gives.
  showBox(place, box) {
    const step = app.step === null ? null : allSteps[app.step], index = weightAt[place];
    if (step?.phase !== "update" || index === undefined) return;
    const { means, news } = app.measured, isNew = index <= step.index, number = isNew ? news[index] : value(place);
    setText(box.value, `${isNew ? "new" : "value"} ${shown(number)}`);
    setText(box.grad, `mean ${signed(means[index])}`);
    bar(box, box.valueBar, number, 1 + Math.abs(number));
    bar(box, box.gradBar, means[index], Math.max(...means.map(Math.abs)));
  },

  lesson: (step) => (step.lesson ? step.lesson() : updateLesson(step)),
  afterLeaving: () => setByLayer(false),
  isAsked,
  question,
  verdict,
  introduction,

  // The references of an update's formula: lr, w0 (a weight), g0 (the mean of its gradient).
  nameOf(reference) {
    const place = Number(reference.slice(1));
    if (reference === "lr") return "learning rate";
    return reference[0] === "w" ? data.weights[place].name : `mean d ${rootName}/d ${data.weights[place].name}`;
  },

  numberOf(reference) {
    const place = Number(reference.slice(1));
    if (reference === "lr") return app.timeline.parameters[data.learningRate];
    return reference[0] === "w" ? app.timeline.parameters[data.weights[place].place] : app.measured.means[place];
  },
};

// A weight's node in the graph of a row; 0 where that does not depend on it.
function placeOfWeight(index) {
  return data.weights[index].node;
}

const weightAt = Object.fromEntries(data.weights.flatMap((weight, index) => (weight.node ? [[weight.node, index]] : [])));

function rowNumbers(row) {
  return app.timeline.rows.subarray(row * width, (row + 1) * width);
}

function shownRow() {
  return app.probe || rowNumbers(app.row);
}

// Where each variable has its number: as which weight, or as which number of a row.
const homes = data.variables.map((place) => ({ weight: data.weights.findIndex((weight) => weight.node === place), column: data.columns.indexOf(place) }));

let moment = "";

function evaluate() {
  app.measured = app.timeline.measure();
  const row = shownRow();
  homes.forEach(({ weight, column }, index) => {
    if (weight >= 0) app.numbers[index] = app.timeline.parameters[data.weights[weight].place];
    else if (column >= 0) app.numbers[index] = row[column];
  });
  // A nudge is of one variable, the one that is chosen; after anything else it begins anew.
  const now = [app.timeline.epoch, app.row, app.probe, app.selected].join(" ");
  if (now !== moment || !app.numbers.every((number, index) => Object.is(number, start[index]) || data.variables[index] === app.selected)) beginAnew(now);
  app.pass = passOfNow();
}

function beginAnew(now) {
  const isChanged = !isSame(app.numbers, start);
  moment = now;
  widest.clear();
  if (!isChanged && app.pass === startPass && startPass.isKnown) return;
  start.set(app.numbers);
  passWith(start, startPass).isKnown = true;
  if (isChanged && told.marks.size) forget(); // what was predicted was about other numbers
}

let nudgeGesture = null; // one drag, whose every move would else be a change

// A nudge is a change at this epoch: all that the page shows follows it.
function setVariable(index, number) {
  const { weight, column } = homes[index], called = nodeName(data.variables[index]);
  if (Math.abs(number) > LARGEST_NUMBER || (weight < 0 && column < 0)) return tell("A number from −1,000,000 to 1,000,000, of a weight or of the row.");
  nudgeGesture ??= newGesture();
  if (weight < 0 && app.probe) app.probe[column] = number;
  else change(`${called} = ${shown(number)}`, [weight >= 0 ? ["w", weight, number] : ["x", app.row * width + column, number]], nudgeGesture);
  return refresh();
}

function endNudge() {
  nudgeGesture = null;
}

function introduction() {
  const goal = app.timeline.epoch === 0 ? beforeTraining() : afterTraining();
  return [
    element("p", { class: "lead" }, goal),
    ...scenesOffered(),
    element("ul", { class: "hints" },
      element("li", {}, hasNetwork() ? "Click a neuron: its operations. Click a line: that weight’s gradient, and drag its number." : "Click a box in the graph: its gradient as a sum over its uses."),
      element("li", {}, data.domain ? "Click the boundary to send a point through the network; drag a data point to move it (a finger first rests on it), double-click it to flip its target." : "Choose a row above the graph to send it through the network."),
      element("li", {}, "Press Next: one pass, forward and back. Tick “predict”: each next number is hidden until you have told it.")),
  ];
}

function beforeTraining() {
  const start = app.moment ? "are those of an address" : app.seed === null ? "are those that it came with" : `are random, from seed ${app.seed}`;
  return `This network has learned nothing yet: its ${data.weights.length} weights ${start}. Press Play and watch the boundary bend, or step through one round of backprop by hand.`;
}

function afterTraining() {
  const { epoch, losses } = app.timeline, { loss, means } = app.measured;
  const changed = `${data.weights.length} weights, changed ${counted(epoch)} times`;
  const still = means.every((mean) => mean === 0) ? " Now every gradient is 0, so nothing changes any more; click a box to see where that begins." : "";
  if (!(loss <= losses[0])) return `${changed}, each time against its gradient, and the loss is larger than at the start: the steps are too large. Try a smaller learning rate.${still}`;
  if (still) return `${changed}.${still}`;
  return `${changed}, each time a little against its gradient. Rewind below the loss curve to see it happen again.`;
}
