// ---- what all parts of the page share -------------------------------------------------------

const nodeCount = data.nodes.length;
const rootPlace = nodeCount;
const width = data.inputs.length + data.targets.length;

const app = {
  timeline: null,
  seed: null,
  row: 0,
  probe: null, // a point that is not in the data set: a row of its own
  selected: 0, // the node that is explained; 0 is none
  step: null, // the step that is shown; null when training
  output: 0, // what the boundary shows: an output, or a neuron
  playing: false,
  speed: 1000,
  measured: null,
  traced: new Float64Array(nodeCount + 5 * data.steps.length),
};

// ---- the numbers of the row that is shown ---------------------------------------------------

function rowNumbers(row) {
  return app.timeline.rows.subarray(row * width, (row + 1) * width);
}

function shownRow() {
  return app.probe || rowNumbers(app.row);
}

function evaluate() {
  app.measured = app.timeline.measure();
  program.trace(app.timeline.parameters, shownRow(), app.traced);
}

function value(place) {
  return app.traced[place - 1];
}

function stepNumbers(index) {
  const [local, upstream, contribution, total, taken] = app.traced.subarray(nodeCount + 5 * index, nodeCount + 5 * index + 5);
  return { local, upstream, contribution, total, taken: taken > 0 };
}

// The backward steps that add to each node's gradient, in order.
const stepsInto = data.nodes.map(() => []);
data.steps.forEach((step, index) => stepsInto[step.parent - 1].push(index));

// A node's gradient after so many backward steps; null where none has reached it.
function gradient(place, stepsDone = data.steps.length) {
  if (place === rootPlace) return stepsDone < 0 ? null : 1;
  const into = stepsInto[place - 1];
  let last = null;
  for (const index of into) if (index < stepsDone && stepNumbers(index).taken) last = index;
  return last === null ? null : stepNumbers(last).total;
}

function isComplete(place, stepsDone) {
  const into = stepsInto[place - 1];
  return place === rootPlace ? stepsDone >= 0 : into.length > 0 && into[into.length - 1] < stepsDone;
}

function nodeName(place) {
  return data.nodes[place - 1].name;
}

// ---- formulas -------------------------------------------------------------------------------

function referenceName(reference) {
  const place = Number(reference.slice(1));
  if (reference === "lr") return "learning rate";
  if (reference[0] === "v") return nodeName(place);
  return reference[0] === "w" ? data.weights[place].name : `mean d ${nodeName(rootPlace)}/d ${data.weights[place].name}`;
}

function referenceNumber(reference) {
  const place = Number(reference.slice(1));
  if (reference === "lr") return app.timeline.parameters[data.learningRate];
  if (reference[0] === "v") return value(place);
  if (reference[0] === "w") return app.timeline.parameters[data.weights[place].place];
  return app.measured.means[place];
}

// The formula as Python writes it.
function plainFormula(expression) {
  return expression.map((part, index) => (index % 2 ? referenceName(part) : part)).join("");
}

function withNames(expression) {
  return expression.map((part, index) => (index % 2 ? referenceName(part) : readable(part))).join("");
}

function withNumbers(expression, digits = 4) {
  const numbers = expression.map((part, index) => {
    if (index % 2 === 0) return readable(part);
    const first = index === 1 && expression[0] === "";
    return (first ? shown : operand)(referenceNumber(part), digits);
  });
  return numbers.join("");
}

function readable(text) {
  return text.replaceAll(" * ", " × ").replaceAll("**2", "²").replaceAll(" - ", " − ").replaceAll("-", "−");
}
