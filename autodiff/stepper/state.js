// ---- the numbers of this graph, and where a person is in its pass ------------------------------

// The eager pass's own numbers; after a change, what the compiler's operations give for the variables.
startPass.values.set(eager);
startPass.backward(data.graph.given);

const app = {
  selected: 0, // the node that is explained; 0 is none
  step: null, // the step that is shown; null where the whole pass is
  waiting: null, // the step that waits while a box is explained
  numbers: start.slice(), // of the variables
  pass: startPass,
  isPredicting: false,
  isAsking: false, // the step that is shown has not been answered yet
};

const further = {
  steps: [],
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

function evaluate() {
  app.pass = passOfNow();
}

function setVariable(index, number) {
  app.numbers[index] = number;
  forget(); // what was predicted was about other numbers
  refresh();
}

function withoutNudges() {
  app.numbers.set(start);
  byId("seed").value = "";
  widest.clear();
  forget();
  if (app.step === null) refresh();
  else showStep(app.step);
  say("The numbers are those of the program again.");
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
