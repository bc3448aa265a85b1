// ---- the numbers of this graph, and where a person is in its pass ------------------------------

data.variables = data.nodes.filter((node) => node.kind !== "operation" && node.made < 0 && !node.isConstant).map((node) => node.place);

// The eager pass's own numbers; after a change, what the compiler's operations give for the variables.
const start = Float64Array.from(data.variables, (place) => eager[place - 1]);
const startPass = new Pass();
startPass.values.set(eager);
startPass.backward(data.graph.given);

const app = {
  selected: 0, // the node that is explained; 0 is none
  step: null, // the step that is shown; null where the whole pass is
  playing: 0, // the timer of a walk by itself
  numbers: start.slice(), // of the variables
  pass: startPass,
  isPredicting: false,
  isAsking: false, // the step that is shown has not been answered yet
};

const projected = window.matchMedia("(min-width: 1000px)"); // as in show.css

const further = {
  steps: [],
  isFromAfar: () => projected.matches,
  lastLabel: () => (scene.fold ? "Out ↑" : "Next →"),
  isTheEnd: () => !scene.fold,
  isTheStart: () => !scene.fold,
  afterTheLast: outOfFold,
  beforeTheFirst: outOfFold,
  introduction,
  isAsked,
  question,
  verdict,
};

function outOfFold() {
  if (scene.fold) closeFold();
}

let changedPass = null;
let computedFor = start;

function isSame(numbers, others) {
  return numbers.every((number, index) => Object.is(number, others[index]));
}

function evaluate() {
  if (isSame(app.numbers, start)) app.pass = startPass;
  else if (!changedPass || !isSame(app.numbers, computedFor)) {
    computedFor = app.numbers.slice();
    app.pass = changedPass = passWith(app.numbers);
  } else app.pass = changedPass;
}

// The whole pass with other numbers of the variables.
function passWith(numbers) {
  const pass = new Pass();
  pass.values.set(eager);
  data.variables.forEach((place, index) => { pass.values[place - 1] = numbers[index]; });
  return pass.forward().backward();
}

function introduction() {
  const changes = canCompute ? "drag its number, and see what the loss does" : "see its gradient as a sum";
  return [
    element("p", { class: "lead" }, `${nodeName(rootPlace)} is computed from ${data.variables.length === 1 ? "one variable" : countedNouns(data.variables.length, "variable")} in ${countedNouns(data.nodes.filter((node) => node.made >= 0).length, "operation")}. Press Next to compute it one by one, and to follow its gradients back.`),
    element("ul", { class: "hints" },
      ...(folds ? [element("li", {}, "Click a box with a heavy border: it opens. What is closed is one step.")] : []),
      element("li", {}, "Click a box: its gradient as a sum over its uses."),
      element("li", {}, `Click a variable: ${changes}.`),
      element("li", {}, "Tick “predict”: each next number is hidden until you have told it.")),
    ...data.notes.map(note),
  ];
}
