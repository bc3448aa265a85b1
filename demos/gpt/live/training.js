// ---- training -------------------------------------------------------------------------------

const MOST_AT_ONCE = 16; // steps between two looks at the clock

// Where each letter is in the alphabet; behind the letters comes the boundary of a word.
const places = new Map(data.letters.map((letter, place) => [letter, place]));
const boundary = data.letters.length;
const tokenCount = boundary + 1;

// The numbers of one word as the program takes them: tokens, then what follows each. What is beyond
// the word's end counts nothing: there, -1 follows.
function rowOf(word) {
  const tokens = Array.from(word, (letter) => places.get(letter));
  const framed = [boundary, ...tokens, boundary], row = new Float64Array(2 * data.context);
  row.fill(boundary, 0, data.context).fill(-1, data.context);
  const length = Math.min(framed.length - 1, data.context);
  for (let place = 0; place < length; place += 1) {
    row[place] = framed[place];
    row[data.context + place] = framed[place + 1];
  }
  return row;
}

// One word a step, in the order of the list. `state` is all numbers that the program changes: the
// weights and what the optimizer remembers.
class Training {
  constructor() {
    this.restart();
  }

  restart() {
    this.state = Float64Array.from(data.state);
    this.losses = [];
    this.broken = false;
  }

  get step() {
    return this.losses.length;
  }

  get isOver() {
    return this.broken || this.step >= data.steps;
  }

  wordOf(step) {
    return data.words[step % data.words.length];
  }

  // Learn so many words, or fewer: it stops before a step whose loss is not finite.
  train(count) {
    const end = Math.min(this.step + count, data.steps);
    while (this.step < end && !this.broken) this.learn(Math.min(MOST_AT_ONCE, end - this.step));
  }

  learn(count) {
    const before = this.state.slice(), losses = this.run(count);
    const bad = losses.findIndex((loss) => !Number.isFinite(loss));
    if (bad >= 0) {
      this.broken = true;
      this.state = before;
      if (bad > 0) this.run(bad);
    }
    this.losses.push(...(bad < 0 ? losses : losses.subarray(0, bad)));
  }

  run(count) {
    const width = 2 * data.context, rows = new Float64Array(width * count), losses = new Float64Array(count);
    for (let place = 0; place < count; place += 1) rows.set(rowOf(this.wordOf(this.step + place)), place * width);
    program.run(1, count, 1, rows, this.state, losses);
    return losses;
  }
}

// The mean of the last losses as text; before the first step there is none.
function shownMean(losses) {
  return losses.length ? shown(smoothed(losses)) : "–";
}

// The mean of the last losses: one word is much harder than another.
function smoothed(losses, end = losses.length) {
  const part = losses.slice(Math.max(0, end - data.smoothed), end);
  return part.length ? part.reduce((sum, loss) => sum + loss, 0) / part.length : NaN;
}
