// ---- the arithmetic of training -----------------------------------------------------------------

// A graph for many rows at once: an array of numbers for each node, and for each node that depends on
// `wanted` leaves one of gradients.  Nodes are {made, parents, value}: the operation that made it, -1
// for a leaf, and the places of its operands, from 1; `needed` are those that are computed, or all.
// What is computed are the compiler's functions of the operations, each for all rows.
class Rows {
  constructor(nodes, count, { wanted = [], needed = null }) {
    this.count = count;
    const all = needed && withOperands(nodes, needed);
    this.values = nodes.map(() => new Float64Array(count));
    nodes.forEach(({ made, value }, index) => { if (made < 0) this.values[index].fill(value); });
    this.forwards = nodes.flatMap(({ made, parents }, index) => made < 0 || (all && !all.has(index + 1)) ? [] : [{
      compute: program[`forward${made}`], operands: parents.map((parent) => this.values[parent - 1]), out: this.values[index],
    }]);
    if (wanted.length) this.layOutBackward(nodes, new Set(wanted));
  }

  layOutBackward(nodes, wanted) {
    const { count } = this, uses = [], sure = new Set([nodes.length]);
    nodes.forEach(({ parents }, index) => { if (parents.some((parent) => wanted.has(parent))) wanted.add(index + 1); });
    for (let place = nodes.length; place > 0; place -= 1) {
      const { made, parents } = nodes[place - 1];
      parents.forEach((parent, position) => {
        if (!wanted.has(parent) || !table[made].receives[position]) return;
        uses.push({ place, made, parent, position });
        if (sure.has(place) && !program.chooses[made][position]) sure.add(parent);
      });
    }
    const places = [...wanted], numbers = new Float64Array(count * places.length);
    this.allGradients = numbers;
    this.gradients = new Map(places.map((place, at) => [place, numbers.subarray(at * count, (at + 1) * count)]));
    // Which rows were reached, of results that some rows may not reach.
    const unsure = places.filter((place) => !sure.has(place) && nodes[place - 1].made >= 0);
    this.allMarks = new Uint8Array(count * unsure.length);
    const marks = new Map(unsure.map((place, at) => [place, this.allMarks.subarray(at * count, (at + 1) * count)]));
    this.outcome = this.gradients.get(nodes.length);
    this.backwards = uses.map(({ place, made, parent, position }) => ({
      add: program[`slope${made}_${position}`],
      operands: nodes[place - 1].parents.map((each) => this.values[each - 1]), out: this.values[place - 1],
      upstream: this.gradients.get(place), gradient: this.gradients.get(parent),
      reached: marks.get(place) || null, marks: marks.get(parent) || null,
    }));
  }

  forward() {
    const { forwards, count } = this;
    for (let at = 0; at < forwards.length; at += 1) forwards[at].compute(count, forwards[at].operands, forwards[at].out);
  }

  backward() {
    const { backwards, count } = this;
    this.allGradients.fill(-0); // -0 + x is x, whatever x is
    this.allMarks.fill(0);
    this.outcome.fill(1);
    for (let at = 0; at < backwards.length; at += 1) {
      const use = backwards[at];
      use.add(count, use.operands, use.out, use.upstream, use.gradient, use.reached, use.marks);
    }
  }
}

// Nodes with all that they depend on.
function withOperands(nodes, places) {
  const found = new Set(places);
  for (let place = nodes.length; place > 0; place -= 1) {
    if (found.has(place)) for (const parent of nodes[place - 1].parents) found.add(parent);
  }
  return found;
}

// The nodes of a circuit: an optimizer's rule, a penalty.
function circuitNodes({ made, operands, values }) {
  const before = countsOf(operands), numbers = floatsOf(values);
  let at = 0;
  return countsOf(made).map((operation, index) => {
    if (!operation) return { made: -1, parents: [], value: numbers[index] };
    const count = table[operation - 1].receives.length;
    const parents = before.slice(at, at + count).map((distance) => index + 1 - distance);
    at += count;
    return { made: operation - 1, parents, value: 0 };
  });
}

// A network that trains: from one start, or from several at once, whose states lie one behind another.
// It is told what a page is told of its network: nodes, weights, columns, and how they are updated.
class Training {
  constructor(told) {
    this.told = told;
    this.size = told.state.length;
    this.leaves = told.weights.map((weight) => weight.node).filter(Boolean);
    this.shown = [...told.outputs, ...told.neurons.map((neuron) => neuron.node)];
    this.rules = told.update.map((rule) => ({ ...rule, nodes: circuitNodes(rule) }));
    this.penalty = told.penalty && circuitNodes(told.penalty);
    this.laidOut = new Map();
  }

  // What is computed with so many rows and starts; laid out once.
  rowsOf(name, nodes, count, limits = {}) {
    const key = `${name} ${count}`;
    if (!this.laidOut.has(key)) this.laidOut.set(key, new Rows(nodes, count, limits));
    return this.laidOut.get(key);
  }

  setColumns(pass, rows, count) {
    const { columns } = this.told;
    columns.forEach((place, column) => {
      if (!place) return;
      const numbers = pass.values[place - 1];
      for (let row = 0; row < numbers.length; row += 1) numbers[row] = rows[(row % count) * columns.length + column];
    });
  }

  // Train so many epochs. Of each the losses of all starts are in `outputs`, those of the first epoch first.
  train(epochs, rowCount, rows, state, outputs) {
    const starts = state.length / this.size;
    const pass = this.rowsOf("train", this.told.nodes, rowCount * starts, { wanted: this.leaves });
    this.setColumns(pass, rows, rowCount);
    for (let epoch = 0; epoch < epochs; epoch += 1) {
      this.setWeights(pass, rowCount, state);
      pass.forward();
      if (this.leaves.length) pass.backward();
      this.takeMeans(pass, rowCount, state, outputs, epoch * starts);
      if (this.penalty) this.addPenalty(starts, state, outputs, epoch * starts);
      this.change(starts, state);
    }
  }

  setWeights(pass, rowCount, state) {
    for (const { node, place } of this.told.weights) {
      if (!node) continue;
      const numbers = pass.values[node - 1];
      for (let at = 0, from = place; at < numbers.length; at += rowCount, from += this.size) numbers.fill(state[from], at, at + rowCount);
    }
  }

  // The mean loss, and each weight's mean gradient: sums in the order of the rows.
  takeMeans(pass, rowCount, state, outputs, first) {
    const losses = pass.values[pass.values.length - 1], starts = losses.length / rowCount;
    for (let start = 0; start < starts; start += 1) outputs[first + start] = meanOf(losses, start * rowCount, rowCount);
    for (const { node, mean } of this.told.weights) {
      const gradients = node ? pass.gradients.get(node) : null;
      for (let start = 0; start < starts; start += 1) state[start * this.size + mean] = gradients ? meanOf(gradients, start * rowCount, rowCount) : 0;
    }
  }

  addPenalty(starts, state, outputs, first) {
    const { sources, results } = this.told.penalty, { weights } = this.told;
    const own = sources.flatMap((weight, index) => (weight === null ? [] : [index + 1]));
    const pass = this.rowsOf("penalty", this.penalty, starts, { wanted: own });
    own.forEach((place) => this.gather(pass.values[place - 1], state, [weights[sources[place - 1]].place]));
    pass.forward();
    if (own.length) pass.backward();
    const terms = pass.values[results[0] - 1];
    for (let start = 0; start < starts; start += 1) {
      outputs[first + start] += terms[start];
      for (const place of own) state[start * this.size + weights[sources[place - 1]].mean] += pass.gradients.get(place)[start];
    }
  }

  // The optimizer's rules, on numbers of the state alone: all read it before one writes.
  change(starts, state) {
    const passes = this.rules.map(({ nodes, sources, targets }, index) => {
      const pass = this.rowsOf(`rule ${index}`, nodes, starts * targets[0].length);
      for (let leaf = 0; leaf < sources.length; leaf += 1) if (sources[leaf].length) this.gather(pass.values[leaf], state, sources[leaf]);
      pass.forward();
      return pass;
    });
    passes.forEach((pass, index) => {
      const { targets, results } = this.rules[index];
      targets.forEach((places, at) => this.scatter(pass.values[results[at] - 1], state, places));
    });
  }

  // Numbers of the state, those of one start behind those of another.
  gather(numbers, state, places) {
    for (let at = 0, first = 0; at < numbers.length; first += this.size) {
      for (let each = 0; each < places.length; each += 1, at += 1) numbers[at] = state[first + places[each]];
    }
  }

  scatter(numbers, state, places) {
    for (let at = 0, first = 0; at < numbers.length; first += this.size) {
      for (let each = 0; each < places.length; each += 1, at += 1) state[first + places[each]] = numbers[at];
    }
  }

  // The outputs and hidden neurons for so many rows: an array of numbers for each.
  respond(rowCount, rows, state) {
    const pass = this.rowsOf("respond", this.told.nodes, rowCount * (state.length / this.size), { needed: this.shown });
    this.setColumns(pass, rows, rowCount);
    this.setWeights(pass, rowCount, state);
    pass.forward();
    return this.shown.map((place) => pass.values[place - 1]);
  }
}

function meanOf(numbers, from, count) {
  let sum = 0;
  for (let at = from; at < from + count; at += 1) sum += numbers[at];
  return sum / count;
}

for (const node of data.nodes) node.value = eager[node.place - 1]; // a leaf's number, where nothing sets it
const training = new Training(data);
