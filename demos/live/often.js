// ---- how often does it learn? ------------------------------------------------------------------------

const OFTEN_MS = 20; // at a time; between them the page does everything else
const MOST_LANES = 1024; // rows of all starts that are trained together
const CHECKS = 100;
const FEW_TO_LEARN = 8, SHARE_OF_MANY = 0.95; // all of a few rows have to be right; of many, nearly all
const SEEDS_LISTED = 40;

// How many of the rows have to be right.
function rowsNeeded(rowCount) {
  return rowCount <= FEW_TO_LEARN ? rowCount : Math.ceil(SHARE_OF_MANY * rowCount);
}

// What is going on: of each seed the checks at which it was right.
const often = { job: null, timer: 0, shares: [], epochs: 0 };

function openOften() {
  pause();
  if (!data.draws || !data.classes.length) return tell(data.draws ? "These targets are no classes, so nothing says when they are learned." : "This network cannot be started from a seed.");
  const rate = shown(app.timeline.parameters[data.learningRate]), rows = data.rows.length;
  const goal = rows <= FEW_TO_LEARN ? "every row is on its right side" : `${rowsNeeded(rows)} of its ${rows} rows are on their right side`;
  setText(byId("often-what"), `This network, ${data.network}, on these data, with learning rate ${rate}, from many starts. One has learned if at the end ${goal}.`);
  return byId("often").showModal();
}

// The starts of a batch are trained together, each operation for all of them at once.
class OftenJob {
  constructor(starts, epochs) {
    Object.assign(this, { starts, epochs, rows: app.timeline.rows.slice(), rowCount: app.timeline.rowCount });
    this.every = Math.max(1, Math.round(epochs / CHECKS));
    this.counts = new Array(Math.floor(epochs / this.every) + 1).fill(0);
    this.learned = [];
    this.rate = app.timeline.parameters[data.learningRate];
    this.began = performance.now();
    this.nextBatch(0);
  }

  nextBatch(first) {
    const size = Math.min(this.starts - first, Math.max(1, Math.floor(MOST_LANES / this.rowCount)));
    this.first = first;
    this.epoch = 0;
    this.state = new Float64Array(size * training.size);
    for (let at = 0; at < size; at += 1) {
      const start = seededStart(first + at);
      start[data.learningRate] = this.rate;
      this.state.set(start, at * training.size);
    }
    this.check();
  }

  get size() {
    return this.state.length / training.size;
  }

  get done() {
    return this.first * this.epochs + this.size * this.epoch;
  }

  // Train until that time; whether all is done.
  go(until) {
    while (performance.now() < until) {
      const count = Math.min(10, this.every - (this.epoch % this.every), this.epochs - this.epoch);
      if (count > 0) {
        training.train(count, this.rowCount, this.rows, this.state, new Float64Array(count * this.size));
        this.epoch += count;
      }
      if (this.epoch % this.every === 0 || this.epoch === this.epochs) this.check();
      if (this.epoch < this.epochs) continue;
      if (this.first + this.size === this.starts) return true;
      this.nextBatch(this.first + this.size);
    }
    return false;
  }

  check() {
    const rights = this.rights(), at = Math.floor(this.epoch / this.every);
    if (this.epoch % this.every === 0) this.counts[at] += rights.filter(Boolean).length;
    if (this.epoch === this.epochs) rights.forEach((isOne, start) => { this.learned[this.first + start] = isOne; });
  }

  // Of each start whether it has learned the data.
  rights() {
    const { rowCount, rows, size } = this, outputs = training.respond(rowCount, rows, this.state);
    const needed = rowsNeeded(rowCount);
    return Array.from({ length: size }, (_, start) => rightRows(outputs, rows, rowCount, start * rowCount) >= needed);
  }
}

function beginOften() {
  const [starts, epochs] = ["starts", "epochs"].map((id) => Number(byId(`often-${id}`).value));
  often.job = new OftenJob(starts, epochs);
  byId("often-progress").max = starts * epochs;
  byId("often-progress").hidden = false;
  byId("often-seeds").replaceChildren();
  setText(byId("often-go"), "Stop");
  setText(byId("often-text"), "Training …");
  goOnOften();
}

function goOnOften() {
  const { job } = often;
  if (!job) return;
  const isDone = job.go(performance.now() + OFTEN_MS);
  byId("often-progress").value = job.done;
  if (isDone) return endOften();
  often.timer = setTimeout(goOnOften, 0);
}

// It is done, or was stopped: then those count that were trained to the end.
function endOften() {
  const { job } = often, { learned, epochs } = job, trained = learned.length, count = learned.filter(Boolean).length;
  clearTimeout(often.timer);
  often.job = null;
  byId("often-progress").hidden = true;
  setText(byId("often-go"), "Train them all");
  if (!trained) return setText(byId("often-text"), "Stopped before the first were done.");
  const [low, high] = interval(count, trained).map((share) => Math.round(100 * share));
  const seconds = fixed((performance.now() - job.began) / 1000, 1);
  setText(byId("often-text"), `${count} of ${trained} have learned after ${counted(epochs)} epochs: between ${low} % and ${high} % of all starts would (95 % sure). It took ${seconds} s.`);
  drawOften(job, trained);
  listSeeds(learned);
  return undefined;
}

// E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
function interval(count, total) {
  const z = 1.959964, share = count / total, scale = 1 + (z * z) / total;
  const middle = (share + (z * z) / (2 * total)) / scale;
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / total + (z * z) / (4 * total * total));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

// The share that was right at each check.
function drawOften({ counts, every, epochs, starts }, trained) {
  const { context, across, down } = fitted(byId("often-curve"));
  const area = { left: 54, right: across - 14, top: 10, bottom: down - 24 };
  const toX = (epoch) => area.left + (epoch / epochs) * (area.right - area.left), toY = (share) => area.bottom - share * (area.bottom - area.top);
  context.clearRect(0, 0, across, down);
  if (trained < starts) return; // other seeds stopped in between
  drawScales(context, area, 0, 1, epochs, false, toX, toY);
  drawLosses(context, counts.map((count, at) => [at * every, count / starts]), area, toX, toY);
}

function listSeeds(learned) {
  const seeds = learned.flatMap((isOne, seed) => (isOne ? [] : [seed])), rest = seeds.length - SEEDS_LISTED;
  const button = (seed) => element("button", { type: "button", "aria-label": `start from seed ${seed}`, onclick: () => { byId("often").close(); startFrom(seed); } }, String(seed));
  byId("often-seeds").replaceChildren(...(seeds.length ? ["Seeds that have not learned:", ...seeds.slice(0, SEEDS_LISTED).map(button), ...(rest > 0 ? [`and ${rest} more`] : [])] : []));
}

function watchOften() {
  watchClicks({ "open-often": openOften });
  byId("often-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (often.job) endOften();
    else beginOften();
  });
  byId("often").addEventListener("close", () => { if (often.job) endOften(); });
}
