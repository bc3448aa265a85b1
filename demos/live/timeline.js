// ---- training, and the way back -------------------------------------------------------------

const MOST_EPOCHS = 1000000;
const BETWEEN_CHECKPOINTS = 250;

// A run of training that can be rewound: the start, what a person changed and when, and the state
// every so many epochs.  Any epoch between is trained once more from there, to the same bits.
//
// An edit is {epoch, kind, index, number}; kind "lr" changes the learning rate, "w" a weight, "x" a
// number of the data set.  It is made when training arrives at its epoch.
class Timeline {
  constructor(start, rows, width, trained = training) {
    this.training = trained;
    this.width = width;
    this.firstRows = Float64Array.from(rows);
    this.rowCount = rows.length / width;
    this.begin(start, []);
  }

  begin(start, edits) {
    this.start = Float64Array.from(start);
    this.edits = edits;
    this.losses = new Float64Array(1024);
    this.latest = 0;
    this.brokenAt = null;
    this.checkpoints = new Map([[0, this.start.slice()]]);
    this.load(0);
  }

  // The state at a checkpoint, with the edits made there.
  load(epoch) {
    this.parameters = this.checkpoints.get(epoch).slice();
    this.rows = this.firstRows.slice();
    this.epoch = epoch;
    for (const edit of this.edits) {
      if (edit.epoch === epoch || (edit.epoch < epoch && edit.kind === "x")) this.make(edit);
    }
  }

  make(edit) {
    if (edit.kind === "x") this.rows[edit.index] = edit.number;
    else if (edit.kind === "lr") this.parameters[this.training.told.learningRate] = edit.number;
    else this.parameters[this.training.told.weights[edit.index].place] = edit.number;
  }

  get isBroken() {
    return this.brokenAt !== null && this.epoch >= this.latest;
  }

  // Train n epochs, or fewer: it stops where the loss is no longer finite, one epoch before.
  train(n) {
    const end = Math.min(this.epoch + n, MOST_EPOCHS);
    while (this.epoch < end && !this.isBroken) {
      const pause = this.nextPause(end);
      const outputs = new Float64Array(pause - this.epoch);
      this.training.train(outputs.length, this.rowCount, this.rows, this.parameters, outputs);
      const bad = outputs.findIndex((loss) => !Number.isFinite(loss));
      this.keepLosses(bad < 0 ? outputs : outputs.subarray(0, bad));
      if (bad >= 0) return this.breakAt(this.epoch + bad);
      this.arrive(pause);
    }
    if (this.epoch === this.latest && !Number.isFinite(this.measure().loss)) this.breakAt(this.epoch);
  }

  nextPause(end) {
    let pause = Math.min(end, (Math.floor(this.epoch / BETWEEN_CHECKPOINTS) + 1) * BETWEEN_CHECKPOINTS);
    for (const edit of this.edits) {
      if (edit.epoch > this.epoch && edit.epoch < pause) pause = edit.epoch;
    }
    return pause;
  }

  arrive(epoch) {
    this.epoch = epoch;
    this.latest = Math.max(this.latest, epoch);
    if (epoch % BETWEEN_CHECKPOINTS === 0 && !this.checkpoints.has(epoch)) {
      this.checkpoints.set(epoch, this.parameters.slice());
    }
    for (const edit of this.edits) if (edit.epoch === epoch) this.make(edit);
  }

  keepLosses(outputs) {
    if (this.losses.length < this.epoch + outputs.length) {
      const longer = new Float64Array(2 * Math.max(512, this.epoch + outputs.length));
      longer.set(this.losses);
      this.losses = longer;
    }
    this.losses.set(outputs, this.epoch);
  }

  // The loss at this epoch is not finite: stay at the epoch before, unless an edit made it so.
  breakAt(epoch) {
    const edited = this.edits.some((edit) => edit.epoch === epoch);
    const last = edited ? epoch : Math.max(epoch - 1, 0);
    this.forgetAfter(last);
    this.brokenAt = epoch;
    this.epoch = Infinity; // these weights are of no use: load earlier ones
    this.goTo(last);
  }

  forgetAfter(epoch) {
    this.latest = epoch;
    this.brokenAt = null;
    this.edits = this.edits.filter((edit) => edit.epoch <= epoch);
    for (const saved of this.checkpoints.keys()) if (saved > epoch) this.checkpoints.delete(saved);
  }

  // Rewind, or go forward again, to an epoch that was trained.
  goTo(epoch) {
    const target = Math.max(0, Math.min(epoch, this.latest));
    let from = 0;
    for (const saved of this.checkpoints.keys()) if (saved <= target && saved > from) from = saved;
    if (this.epoch > target || this.epoch < from) this.load(from);
    while (this.epoch < target) {
      const pause = this.nextPause(target);
      const count = pause - this.epoch;
      this.training.train(count, this.rowCount, this.rows, this.parameters, new Float64Array(count));
      this.arrive(pause);
    }
  }

  // The same run up to now, to go on in another way. This one stays as it is.
  fork() {
    const forked = new Timeline(this.start, this.firstRows, this.width, this.training);
    const upToNow = (epoch) => epoch <= this.epoch;
    forked.edits = this.edits.filter((edit) => upToNow(edit.epoch));
    forked.losses = this.losses.slice(0, this.epoch);
    forked.checkpoints = new Map([...this.checkpoints].filter(([saved]) => upToNow(saved)));
    [forked.parameters, forked.rows] = [this.parameters.slice(), this.rows.slice()];
    forked.epoch = forked.latest = this.epoch;
    return forked;
  }

  // Change something at this epoch, the last that was trained; the same thing only once.
  edit(kind, index, number) {
    const same = (edit) => edit.epoch === this.epoch && edit.kind === kind && edit.index === index;
    const edit = { epoch: this.epoch, kind, index, number };
    this.edits = [...this.edits.filter((each) => !same(each)), edit];
    this.brokenAt = null;
    this.make(edit);
  }

  // Another run from these weights, with the learning rate and the data as they are now.
  restarted(start) {
    const other = new Timeline(start, this.firstRows, this.width, this.training);
    const rate = this.parameters[this.training.told.learningRate];
    if (rate !== start[this.training.told.learningRate]) other.edit("lr", 0, rate);
    this.rows.forEach((number, index) => {
      if (number !== this.firstRows[index]) other.edit("x", index, number);
    });
    return other;
  }

  // The loss and the mean gradients of this epoch's weights, and the weights after its update.
  measure() {
    const next = this.parameters.slice(), outputs = new Float64Array(1);
    this.training.train(1, this.rowCount, this.rows, next, outputs);
    return {
      loss: outputs[0],
      means: this.training.told.weights.map((weight) => next[weight.mean]),
      news: this.training.told.weights.map((weight) => next[weight.place]),
    };
  }
}

// The state at the start that a seed gives: what nn.MLP(..., rng=seed) draws, in its order.
function seededStart(seed) {
  return withDraws(builtStart(), data.draws, seed);
}

function withDraws(start, draws, seed) {
  const random = new PythonRandom(seed);
  for (const [weight, limit] of draws) start[weight] = random.uniform(-limit, limit);
  return start;
}

function builtStart(told = data) {
  return Float64Array.from(told.state, (number) => unpacked(number));
}

function unpacked(number) {
  if (typeof number === "number") return number;
  return number === "nan" ? NaN : number === "inf" ? Infinity : -Infinity;
}
