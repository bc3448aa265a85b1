// ---- a graph and its numbers -------------------------------------------------------------------

function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

function floatsOf(text) {
  return new Float64Array(bytesOf(text).buffer);
}

// Whole numbers, seven bits a byte, the lowest first.
function countsOf(text) {
  const found = [];
  let count = 0, size = 1;
  for (const byte of bytesOf(text)) {
    count += (byte & 127) * size;
    size *= 128;
    if (byte < 128) {
      found.push(count);
      [count, size] = [0, 1];
    }
  }
  return found;
}

// The same, of which each was written as the difference from the one before.
function runningCountsOf(text) {
  let last = 0;
  return countsOf(text).map((count) => (last += count % 2 ? -(count + 1) / 2 : count / 2));
}

const KINDS = ["operation", "parameter", "constant", "data", "result"];
const table = data.graph.table;

// A formula's references, "0", "1", ... and "out", as those of nodes: "v31".
function inNode(expression, place, parents) {
  return expression && expression.map((part, index) => (index % 2 ? `v${part === "out" ? place : parents[Number(part)]}` : part));
}

class GraphNode {
  constructor(place, kind, made, parents) {
    Object.assign(this, { place, kind: KINDS[kind >> 1], isConstant: kind % 2 === 1, made: made - 1, parents });
  }

  get name() {
    return data.graph.names[this.place] ?? (this.isConstant ? general(eager[this.place - 1], 6) : `v${this.place}`);
  }

  get formula() {
    return this.made < 0 ? null : inNode(table[this.made].formula, this.place, this.parents);
  }
}

class GraphStep {
  constructor(node, parent, position) {
    Object.assign(this, { node, parent, position });
  }

  get local() {
    const { made, parents } = data.nodes[this.node - 1];
    return inNode(table[made].locals[this.position], this.node, parents);
  }
}

// The numbers of the program's own pass.
const eager = floatsOf(data.graph.values);

data.nodes = readNodes();
data.steps = readSteps();
const nodeCount = data.nodes.length;
const rootPlace = nodeCount;

function readNodes() {
  const made = countsOf(data.graph.made), operands = countsOf(data.graph.operands);
  let at = 0;
  return countsOf(data.graph.kinds).map((kind, index) => {
    const count = made[index] ? table[made[index] - 1].receives.length : 0;
    const parents = operands.slice(at, at + count).map((before) => index + 1 - before);
    at += count;
    return new GraphNode(index + 1, kind, made[index], parents);
  });
}

// Each use that may get a contribution, in the order of the backward pass.
function readSteps() {
  const found = [];
  for (let place = data.nodes.length; place > 0; place -= 1) {
    const { made, parents } = data.nodes[place - 1];
    parents.forEach((parent, position) => {
      if (table[made].receives[position] && !data.nodes[parent - 1].isConstant) found.push(new GraphStep(place, parent, position));
    });
  }
  return found;
}

// The backward steps that add to each node's gradient, in order.
const stepsInto = data.nodes.map(() => []);
data.steps.forEach((step, index) => stepsInto[step.parent - 1].push(index));

// ---- a pass in numbers ---------------------------------------------------------------------------

const canCompute = typeof program.result0 === "function" || !table.length;
const results = table.map((_, made) => program[`result${made}`]);
const rules = table.map((_, made) => program[`rule${made}`]);
const operandsOf = table.map(({ receives }) => new Float64Array(receives.length));
const oneResult = new Float64Array(1);
const rulesResults = table.map(({ receives }) => new Float64Array(2 * receives.length));

// The numbers of a pass: of each node its value, of each backward step five.
class Pass {
  constructor() {
    this.values = new Float64Array(nodeCount);
    for (const name of ["locals", "upstreams", "contributions", "totals"]) this[name] = new Float64Array(data.steps.length);
    this.taken = new Uint8Array(data.steps.length);
  }

  gather(node, values) {
    const operands = operandsOf[node.made];
    for (let position = 0; position < operands.length; position += 1) operands[position] = values[node.parents[position] - 1];
    return operands;
  }

  // Compute these nodes, operands first, from the values that are there.
  forward(nodes = data.nodes) {
    for (const node of nodes) {
      if (node.made < 0) continue;
      results[node.made]([], this.gather(node, this.values), oneResult);
      this.values[node.place - 1] = oneResult[0];
    }
    return this;
  }

  // Follow the gradients back; `given` are local derivatives that are known to the last bit.
  backward(given = null) {
    const sums = new Float64Array(nodeCount).fill(-0), reached = new Uint8Array(nodeCount);
    const known = given && floatsOf(given.locals), untaken = given && new Set(given.untaken);
    const added = given && given.contributions ? floatsOf(given.contributions) : null;
    let last = null, rule = null, at = 0;
    [sums[rootPlace - 1], reached[rootPlace - 1]] = [1, 1];
    data.steps.forEach(({ node: place, parent, position }, index) => {
      const node = data.nodes[place - 1], isKnown = given && !table[node.made].exact[position];
      if (node !== last) [last, rule] = [node, null];
      let isTaken = reached[place - 1] === 1;
      if (isKnown) {
        this.locals[index] = known[at];
        isTaken &&= !untaken.has(at);
        at += 1;
      } else {
        if (!rule) rules[node.made]([], this.gather(node, this.values), rule = rulesResults[node.made]);
        this.locals[index] = rule[2 * position];
        isTaken &&= rule[2 * position + 1] > 0;
      }
      this.taken[index] = isTaken ? 1 : 0;
      this.upstreams[index] = sums[place - 1];
      this.contributions[index] = !isTaken ? 0 : added ? added[index] : this.locals[index] * sums[place - 1];
      if (isTaken) {
        sums[parent - 1] += this.contributions[index];
        reached[parent - 1] = 1;
      }
      this.totals[index] = sums[parent - 1];
    });
    return this;
  }
}

const isNode = (reference) => reference[0] === "v";

// ---- the numbers of the graph that is shown --------------------------------------------------

function value(place) {
  return app.pass.values[place - 1];
}

function stepNumbers(index) {
  const { locals, upstreams, contributions, totals, taken } = app.pass;
  return { local: locals[index], upstream: upstreams[index], contribution: contributions[index], total: totals[index], taken: taken[index] > 0 };
}

// A node's gradient after so many backward steps of what is open; null where none has reached it.
// What is added first is so in the whole pass, too.
function gradient(place, stepsDone = Infinity) {
  if (place === rootPlace) return stepsDone < 0 ? null : 1;
  let sum = -0, isReached = false;
  for (const index of stepsInto[place - 1]) {
    if (!app.pass.taken[index] || !isDone(index, stepsDone)) continue;
    sum += app.pass.contributions[index];
    isReached = true;
  }
  return isReached ? sum : null;
}

function isDone(index, stepsDone) {
  return stepsDone === Infinity || (stepsDone >= 0 && scene.doneAt[index] < stepsDone);
}

function isComplete(place, stepsDone) {
  const into = stepsInto[place - 1];
  return place === rootPlace ? stepsDone >= 0 : into.length > 0 && into.every((index) => isDone(index, stepsDone));
}

// What the function that is open calls a node, or else its own name.
function nodeName(place) {
  return scene?.names?.get(place) ?? data.nodes[place - 1].name;
}

// ---- formulas -------------------------------------------------------------------------------

function referenceName(reference) {
  return isNode(reference) ? nodeName(Number(reference.slice(1))) : further.nameOf(reference);
}

function referenceNumber(reference) {
  return isNode(reference) ? value(Number(reference.slice(1))) : further.numberOf(reference);
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
