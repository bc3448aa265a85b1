// ---- the numbers of this graph, and where a person is in its pass ------------------------------

function numberOfJson(number) {
  return { inf: Infinity, "-inf": -Infinity, nan: NaN }[number] ?? number;
}

// The eager pass's own numbers; after a change, what the compiler's program gives for the variables.
const eager = Float64Array.from(data.traced, numberOfJson);
const start = Float64Array.from(data.variables, (place) => eager[place - 1]);

const app = {
  selected: 0, // the node that is explained; 0 is none
  step: null, // the step that is shown; null where the whole pass is
  playing: 0, // the timer of a walk by itself
  numbers: start.slice(), // of the variables
  traced: eager.slice(),
  isPredicting: false,
  isAsking: false, // the step that is shown has not been answered yet
};

const further = {
  steps: [],
  lastLabel: "Next →",
  isTheEnd: true,
  isTheStart: () => true,
  afterTheLast() {},
  beforeTheFirst() {},
  introduction,
  isAsked,
  question,
  verdict,
};

const canCompute = typeof program.trace === "function";

function evaluate() {
  if (app.numbers.every((number, index) => Object.is(number, start[index]))) app.traced.set(eager);
  else program.trace([], app.numbers, app.traced);
}

function introduction() {
  const changes = canCompute ? "drag its number, and see what the loss does" : "see its gradient as a sum";
  return [
    element("p", { class: "lead" }, `${nodeName(rootPlace)} is computed from ${data.variables.length === 1 ? "one variable" : `${data.variables.length} variables`} in ${countOf("forward")} ${countOf("forward") === 1 ? "operation" : "operations"}. Press Next to compute it one by one, and to follow its gradients back.`),
    element("ul", { class: "hints" },
      element("li", {}, "Click a box: its gradient as a sum over its uses."),
      element("li", {}, `Click a variable: ${changes}.`),
      element("li", {}, "Tick “predict”: each next number is hidden until you have told it.")),
    ...data.notes.map(note),
  ];
}
