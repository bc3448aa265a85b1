// ---- the variables of a graph, and what it gives for their numbers -----------------------------

data.variables = data.nodes.filter((node) => node.kind !== "operation" && node.made < 0 && !node.isConstant).map((node) => node.place);

// Where a nudge starts: the variables' numbers, and the pass that the graph makes of them.
const start = Float64Array.from(data.variables, (place) => eager[place - 1]);
const startPass = new Pass();

let changedPass = null;
let computedFor = start;

function isSame(numbers, others) {
  return numbers.every((number, index) => Object.is(number, others[index]));
}

// The pass for the variables' numbers of now.
function passOfNow() {
  if (isSame(app.numbers, start)) return startPass;
  if (!changedPass || !isSame(app.numbers, computedFor)) {
    computedFor = app.numbers.slice();
    changedPass = passWith(app.numbers);
  }
  return changedPass;
}

// The whole pass with other numbers of the variables.
function passWith(numbers, pass = new Pass()) {
  pass.values.set(eager);
  data.variables.forEach((place, index) => { pass.values[place - 1] = numbers[index]; });
  return pass.forward().backward();
}
