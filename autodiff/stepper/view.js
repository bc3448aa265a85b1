// ---- a graph and its numbers -------------------------------------------------------------------

const nodeCount = data.nodes.length;
const rootPlace = nodeCount;

// ---- the numbers of the graph that is shown --------------------------------------------------

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
  return reference[0] === "v" ? nodeName(Number(reference.slice(1))) : further.nameOf(reference);
}

function referenceNumber(reference) {
  return reference[0] === "v" ? value(Number(reference.slice(1))) : further.numberOf(reference);
}

// The formula as Python writes it.
function plainFormula(expression) {
  return expression.map((part, index) => (index % 2 ? referenceName(part) : part)).join("");
}

function withNames(expression) {
  return expression.map((part, index) => (index % 2 ? referenceName(part) : readable(part))).join("");
}

function withNumbers(expression, digits = 4, numberOf = referenceNumber) {
  const numbers = expression.map((part, index) => {
    if (index % 2 === 0) return readable(part);
    return (isAlone(expression, index) ? shown : operand)(numberOf(part), digits);
  });
  return numbers.join("");
}

// Whether a number needs no parentheses of its own: at the start, or as a function's argument.
function isAlone(expression, index) {
  if (index === 1 && expression[0] === "") return true;
  return /[(,]\s*$/.test(expression[index - 1]) && /^\s*[),]/.test(expression[index + 1]);
}

function readable(text) {
  return text.replaceAll(" * ", " × ").replaceAll("**2", "²").replaceAll(" - ", " − ").replaceAll("-", "−");
}
