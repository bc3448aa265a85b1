// ---- a network of one's own ------------------------------------------------------------------------

// What a page is told of an nn.MLP, put together from the parts that Python recorded: the same nodes in
// the same order, with the same names and numbers.  A network is asked for as {title, hidden: [4],
// activation, loss, optimizer, rows}, names as in data.pieces, rows with their target last, 0 or 1 if
// there are two classes.
class NetworkBuilder {
  constructor(pieces, asked) {
    Object.assign(this, { pieces, asked });
    this.inputs = asked.rows[0].length - 1;
    this.loss = pieces.losses[asked.loss];
    this.rule = pieces.optimizers[asked.optimizer];
    this.widths = [...asked.hidden, 1];
    this.weights = []; // in the order in which nn.MLP draws them: {name, limit, node}
    this.neurons = [];
    this.layers = [];
    this.build();
  }

  // The nodes of a part, its leaves being those of other parts; returns its result.
  join(part, leaves) {
    const made = countsOf(part.made), before = countsOf(part.operands), numbers = floatsOf(part.values);
    const nodes = [];
    let at = 0;
    made.forEach((operation, index) => {
      const source = part.sources[index];
      if (!operation) {
        nodes.push(source ? leaves[source] : { made: -1, parents: [], kind: "constant", isConstant: true, value: numbers[index], name: part.names[index + 1] });
        return;
      }
      const count = data.graph.table[operation - 1].receives.length;
      const parents = before.slice(at, at + count).map((distance) => nodes[index - distance]);
      at += count;
      nodes.push({ made: operation - 1, parents, kind: "operation", value: 0, name: part.names[index + 1] });
    });
    return nodes[part.results[0] - 1];
  }

  build() {
    const { pieces, asked, loss, widths } = this;
    const x = Array.from({ length: this.inputs }, (_, at) => leaf("data", `x[${at}]`, asked.rows[0][at]));
    const target = leaf("data", "target", this.targetOf(asked.rows[0]));
    let signals = x;
    widths.forEach((width, layer) => {
      const isLast = layer === widths.length - 1, number = widths.length > 2 ? layer + 1 : "";
      const path = isLast ? "output" : `hidden${number}`, activation = isLast ? loss.output : asked.activation;
      this.layers.push([]);
      signals = Array.from({ length: width }, (_, at) => {
        const before = this.weights.length, sum = this.sum(path, at, signals);
        const out = activation ? this.join(pieces.activations[activation], { z: sum }) : sum;
        if (out !== sum) sum.name = isLast ? "z_out" : `z${number}[${at}]`;
        out.name = isLast ? "prediction" : `h${number}[${at}]`;
        if (!isLast) this.neurons.push(out);
        const parameters = this.weights.slice(before).map(({ node }) => node);
        this.layers[layer].push({ node: out, sum, bias: parameters[parameters.length - 1], weights: parameters.slice(0, -1) });
        return out;
      });
    });
    const outcome = this.join(loss, { prediction: signals[0], target });
    outcome.kind = "result";
    Object.assign(this, { x, target, outputs: signals, nodes: inOrder(outcome) });
  }

  sum(path, at, signals) {
    const leaves = { b: leaf("parameter", `${path}.bias[${at}]`, 0) };
    const limit = 1 / Math.sqrt(signals.length);
    signals.forEach((signal, from) => {
      leaves[`x${from}`] = signal;
      leaves[`w${from}`] = leaf("parameter", `${path}.weight[${at}][${from}]`, 0);
      this.weights.push({ node: leaves[`w${from}`], limit });
    });
    this.weights.push({ node: leaves.b, limit });
    return this.join(this.pieces.sums[signals.length - 1], leaves);
  }

  // The target as the loss takes it.
  targetOf(row) {
    const target = row[row.length - 1], { targets } = this.loss;
    return this.hasClasses ? targets[target === this.classes[0] ? 0 : 1] : target;
  }

  get classes() {
    return [...new Set(this.asked.rows.map((row) => row[row.length - 1]))].sort((a, b) => a - b);
  }

  get hasClasses() {
    return this.classes.length <= 2 && this.classes.every((each) => each === 0 || each === 1);
  }

  // The nodes as Training takes them.
  get laidOut() {
    const places = new Map(this.nodes.map((node, index) => [node, index + 1]));
    return this.nodes.map(({ made, parents, value }) => ({ made, parents: parents.map((parent) => places.get(parent)), value }));
  }

  // What the page's scripts read, as content.py writes it.
  get told() {
    const { asked, nodes, weights, rule, loss } = this;
    const places = new Map(nodes.map((node, index) => [node, index + 1]));
    const random = new PythonRandom(0), start = weights.map(({ limit }) => random.uniform(-limit, limit));
    const memory = this.memoryPlaces(), count = weights.length;
    const rows = asked.rows.map((row) => [...row.slice(0, -1), this.targetOf(row)]);
    const kinds = asked.hidden.length ? [asked.activation, loss.output || "linear"] : [loss.output || "linear"];
    return {
      pieces: this.pieces, folds: null, title: asked.title,
      network: `${[this.inputs, ...this.widths].join("-")}, ${[...new Set(kinds)].join(", ")}`,
      graph: this.graph(places),
      outputs: this.outputs.map((node) => places.get(node)),
      neurons: this.neurons.map((node) => ({ name: node.name, range: this.pieces.activations[asked.activation].range, node: places.get(node) })),
      layers: this.layers.map((layer) => layer.map((neuron) => ({
        node: places.get(neuron.node), sum: places.get(neuron.sum), bias: places.get(neuron.bias), weights: neuron.weights.map((weight) => places.get(weight)),
      }))),
      state: [...start, rule.lr, ...rule.memory.flatMap(({ each, start: number }) => Array(each ? count : 1).fill(number)), ...Array(count).fill(0)],
      weights: weights.map(({ node }, at) => ({ name: node.name, place: at, mean: memory.end + at, node: places.get(node) })),
      columns: [...this.x, this.target].map((node) => places.get(node) || 0),
      learningRate: count,
      update: rule.rules.map((each) => this.updateOf(each, memory)),
      penalty: null,
      updates: weights.map((_, at) => rule.formula && rule.formula.map((part, index) => (index % 2 && part !== "lr" ? `${part}${at}` : part))),
      tree: this.tree(),
      draws: weights.map(({ limit }, at) => [at, limit]),
      inputs: this.x.map((node) => node.name), targets: ["target"], rows,
      ...this.shown(rows),
      code: { model: this.modelCode(), optimizer: rule.code, loss: loss.code, penalty: "", scalar: "yes" },
    };
  }

  graph(places) {
    const { nodes } = this, names = {};
    nodes.forEach((node, index) => { if (node.name) names[index + 1] = node.name; });
    return {
      table: data.graph.table,
      kinds: packedCounts(nodes.map((node) => 2 * KIND_NAMES.indexOf(node.kind) + (node.isConstant ? 1 : 0))),
      made: packedCounts(nodes.map((node) => node.made + 1)),
      operands: packedCounts(nodes.flatMap((node, index) => node.parents.map((parent) => index + 1 - places.get(parent)))),
      names, values: packedFloats(nodes.map((node) => node.value)), given: null, note: "",
    };
  }

  // Where in the state is what the optimizer remembers.
  memoryPlaces() {
    let end = this.weights.length + 1;
    const starts = this.rule.memory.map(({ each }) => {
      end += each ? this.weights.length : 1;
      return end - (each ? this.weights.length : 1);
    });
    return { starts, end };
  }

  // A rule for all weights, or for what they share.
  updateOf(rule, memory) {
    const isEach = (name) => name === "w" || name === "g" || (name[0] === "m" && this.rule.memory[Number(name.slice(1))].each);
    const lanes = rule.targets.some(([name]) => isEach(name)) ? this.weights.length : 1;
    const placeOf = (name, lane) => {
      if (name === "w") return lane;
      if (name === "lr") return this.weights.length;
      if (name === "g") return memory.end + lane;
      return memory.starts[Number(name.slice(1))] + (isEach(name) ? lane : 0);
    };
    const all = (names) => names.flatMap((name) => Array.from({ length: lanes }, (_, lane) => placeOf(name, lane)));
    return { ...rule, sources: rule.sources.map(all), targets: rule.targets.map(all) };
  }

  // The weights' places, arranged as in state_dict().
  tree() {
    const tree = {};
    this.weights.forEach(({ node }, place) => {
      const [path, ...at] = node.name.split(/[[\]]+/).filter(Boolean);
      tree[path] ||= [];
      if (at.length === 1) tree[path][at[0]] = place;
      else (tree[path][at[0]] ||= [])[at[1]] = place;
    });
    return tree;
  }

  shown(rows) {
    const targets = rows.map((row) => row[row.length - 1]);
    const isAmount = this.asked.loss === "linear" && !this.hasClasses;
    const kinds = isAmount ? [] : [...new Set(targets)].sort((a, b) => a - b);
    const [low, high] = [Math.min(...targets), Math.max(...targets)];
    const own = { low, high: high > low ? high : low + 1, threshold: (low + high) / 2 };
    return {
      classes: kinds.length >= 2 && kinds.length <= 10 ? kinds.map((kind) => [kind]) : [],
      scale: isAmount ? own : this.loss.scale,
      domain: this.inputs === 2 ? domainOf(rows) : null,
    };
  }

  modelCode() {
    const quoted = (name) => (name ? `"${name}"` : "None"), { asked } = this;
    const activation = asked.hidden.length ? quoted(asked.activation) : "None";
    return `nn.MLP(${this.inputs}, [${this.widths.join(", ")}], activation=${activation}, output_activation=${quoted(this.loss.output)}`;
  }
}

const KIND_NAMES = ["operation", "parameter", "constant", "data", "result"];

function leaf(kind, text, number) {
  return { made: -1, parents: [], kind, value: number, name: text };
}

// All that a node depends on, operands before their users, leaves first: graph.py's topological_order.
function inOrder(root) {
  const seen = new Set([root]), leaves = [], interior = [];
  const visit = (node) => {
    for (const parent of node.parents) {
      if (seen.has(parent)) continue;
      seen.add(parent);
      if (parent.parents.length) visit(parent);
      else leaves.push(parent);
    }
    interior.push(node);
  };
  visit(root);
  return [...leaves, ...interior];
}

// Left, right, bottom and top of a square with some room around the points.
function domainOf(rows) {
  const bounds = [0, 1].map((column) => {
    const numbers = rows.map((row) => row[column]);
    return [Math.min(...numbers), Math.max(...numbers)];
  });
  const widest = Math.max(...bounds.map(([low, high]) => high - low)) || 1;
  const half = widest * (rows.length <= 8 ? 1 : 0.65);
  return bounds.flatMap(([low, high]) => [(low + high) / 2 - half, (low + high) / 2 + half]);
}

// As packing.py writes them.
function packedCounts(counts) {
  const bytes = [];
  for (let count of counts) {
    for (; count > 127; count = Math.floor(count / 128)) bytes.push((count & 127) | 128);
    bytes.push(count);
  }
  return btoa(String.fromCharCode(...bytes));
}

function packedFloats(numbers) {
  return btoa(String.fromCharCode(...new Uint8Array(Float64Array.from(numbers).buffer)));
}
