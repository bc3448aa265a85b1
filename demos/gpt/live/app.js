// ---- the page -------------------------------------------------------------------------------

const FRAME_MS = 12; // training's share of a frame at most
const GOAL_MS = 45; // and when it trains up to a step
const TEXT_MS = 150; // numbers that change more often cannot be read
const SAMPLE_EVERY = 100; // steps
const MOST_BATCHES = 30;

const app = {
  training: new Training(),
  word: data.word,
  look: new Look(data.word),
  chosen: { layer: 0, head: 0, asks: 0, answers: 0 },
  node: null, // whose gradient is explained
  pointed: [0, 0, 0], // the cell whose number is told
  temperature: data.temperature,
  seeds: 0n, // more samples have other seeds
  playing: false,
  speed: 100,
};

let frame = 0;
let lastFrame = 0;
let lastText = 0;
let owed = 0;
let goal = null; // a step to train up to at full speed
let sampledAt = -1;

// ---- frames

function refresh() {
  if (!frame) frame = requestAnimationFrame(showFrame);
}

function isRunning() {
  return app.playing || goal !== null;
}

function showFrame(time) {
  frame = 0;
  if (isRunning()) trainInFrame(time);
  const running = isRunning(); // the last frame of training shows everything
  setText(byId("step"), counted(app.training.step));
  if (!running || time - lastText > TEXT_MS) {
    lastText = time;
    showAll();
  }
  if (running) refresh();
}

function showAll() {
  app.look.compute(app.training.state);
  setText(byId("loss"), app.training.step ? fixed(smoothed(app.training.losses), 3) : "–");
  const next = app.training.isOver ? "" : `Next it learns “${app.training.wordOf(app.training.step)}”`;
  setText(byId("learns"), next);
  showCurve();
  showHeads();
  showLesson();
}

function trainInFrame(time) {
  const { training } = app;
  const elapsed = Math.min(100, lastFrame ? time - lastFrame : 16);
  lastFrame = time;
  const until = performance.now() + (goal === null ? FRAME_MS : GOAL_MS);
  owed = goal === null ? owed + (app.speed * elapsed) / 1000 : goal - training.step;
  while (owed >= 1 && performance.now() < until && !training.isOver) {
    // Up to the next sample: that is of this very step.
    const left = SAMPLE_EVERY - (training.step % SAMPLE_EVERY);
    const before = training.step;
    training.train(Math.min(MOST_AT_ONCE, left, Math.floor(owed)));
    owed -= training.step - before;
    if (training.step % SAMPLE_EVERY === 0 || training.isOver) sampleOnce();
  }
  if (goal === null && owed > app.speed / 10) owed = 0; // too slow for this speed: do not catch up
  if (training.isOver || training.step === goal) pause();
}

// ---- play and pause

function play() {
  if (app.training.isOver) return tellWhyOver();
  tell("");
  app.playing = true;
  [lastFrame, owed] = [0, 0];
  showPlaying();
  say("Playing");
  refresh();
}

function pause() {
  const was = isRunning();
  app.playing = false;
  goal = null;
  showPlaying();
  if (!was) return;
  if (app.training.isOver) tellWhyOver();
  say(`Step ${app.training.step}, mean loss ${shownMean(app.training.losses)}`);
  refresh();
}

function togglePlay() {
  if (isRunning()) pause();
  else play();
}

function trainBy(count) {
  if (app.training.isOver) return tellWhyOver();
  tell("");
  app.playing = false;
  goal = Math.min(app.training.step + count, data.steps);
  lastFrame = 0;
  showPlaying();
  refresh();
}

function showPlaying() {
  setText(byId("play").querySelector(".label"), isRunning() ? "Pause" : "Play");
  document.body.classList.toggle("playing", isRunning());
}

function tellWhyOver() {
  tell(app.training.broken
    ? `The loss of step ${counted(app.training.step + 1)} is not finite, so training stopped before it.`
    : `All ${counted(data.steps)} steps are done: the learning rate is 0 now.`);
}

function restart() {
  pause();
  app.training.restart();
  byId("names").replaceChildren();
  sampledAt = -1;
  tell("");
  say("Step 0");
  sampleOnce();
  refresh();
}

// ---- new words

function sampleOnce() {
  if (sampledAt === app.training.step) return;
  sampledAt = app.training.step;
  app.seeds = 0n;
  addWords(newWords(app.training.state, app.temperature, data.seed, data.samples));
}

function sampleMore() {
  app.seeds += 1n;
  addWords(newWords(app.training.state, app.temperature, BigInt(data.seed) + app.seeds, data.samples));
  say(`${data.samples} new words`);
}

// One without letters is no new word.
function isNew(word) {
  return word !== "" && !known.has(word);
}

function addWords(words) {
  const fresh = words.filter(isNew).length;
  const list = element("ul", {}, ...words.map((word) => {
    const text = word || "(empty)";
    return isNew(word) ? element("li", { class: "new" }, `${text}*`) : element("li", {}, text);
  }));
  const title = `step ${counted(app.training.step)}, temperature ${shown(app.temperature)}: ${fresh} of ${words.length} new`;
  const place = byId("names");
  place.prepend(element("section", { class: "batch" }, element("h3", {}, title), list));
  place.scrollTop = 0;
  while (place.children.length > MOST_BATCHES) place.lastChild.remove();
}

function readTemperature(text) {
  const temperature = numberFrom(text);
  if (temperature === null || temperature <= 0 || temperature > 100) {
    tell("A temperature is a number above 0, at most 100: low for likely letters, high for all kinds.");
  } else if (temperature !== app.temperature) {
    tell("");
    app.temperature = temperature;
    sampledAt = -1;
    sampleOnce();
    say(`${data.samples} new words at temperature ${shown(temperature)}`);
  }
  byId("temperature").value = exactly(app.temperature);
}

// ---- what is looked at

function readWord(text) {
  const word = text.trim(), unknown = Array.from(new Set(word)).filter((letter) => !places.has(letter));
  const most = data.context - 1;
  if (unknown.length) tell(`No word of the list has ${unknown.map((letter) => `“${letter}”`).join(", ").slice(0, 100)}: its letters are ${data.letters.join("")}.`);
  else if (word === "" || Array.from(word).length > most) tell(`A word has 1 to ${most} letters here.`);
  else {
    tell("");
    setWord(word);
  }
  byId("word").value = app.word;
}

function setWord(word) {
  Object.assign(app, { word, look: new Look(word) });
  const last = app.look.length - 1;
  Object.assign(app.chosen, { asks: last, answers: last });
  app.pointed = [app.chosen.head, last, last];
  app.node = here("weight");
  app.look.compute(app.training.state);
  makeHeads();
  refresh();
}

// A head, or a cell of one; its weight is explained.
function choose(what) {
  Object.assign(app.chosen, what);
  const { head, asks, answers } = app.chosen;
  app.pointed = [head, asks, answers];
  ask(here("weight"));
  if (byId("lesson-card").getBoundingClientRect().top > window.innerHeight) byId("lesson-card").scrollIntoView();
}

// Explain a number. The row that it belongs to is shown with it.
function ask(node) {
  const { layer, head, asks, answers } = node;
  const focused = document.activeElement, had = focused.node || focused.closest?.("#uses");
  Object.assign(app.chosen, { layer, head, asks, answers });
  app.node = node;
  refresh();
  say(`d loss / d ${nameOf(app.look, node)} = ${signed(gradientOf(app.look, node))}`);
  // What was pressed may be gone with the row that it was in.
  if (had) requestAnimationFrame(() => { if (document.activeElement === document.body) byId("chain").focus(); });
}

// ---- keys

const KEYS = [
  ["Space", "play or pause", togglePlay],
  ["E", "one step", () => trainBy(1)],
  ["T", "1,000 steps", () => trainBy(1000)],
  ["R", "start again", restart],
  ["N", "more new words", sampleMore],
  ["L", "set the temperature", () => byId("temperature").focus()],
  ["W", "type a word", () => byId("word").select()],
  ["1 – 9", "a head", null],
  ["A", "go to the attention (arrows move, Enter explains)", () => byId("heads").querySelector('.chosen [tabindex="0"]').focus()],
  ["S", "go to the softmax", () => byId("softmax-panel").focus()],
  ["C", "go to the chain rule", () => byId("chain").focus()],
  ...PAGE_KEYS,
  ["Esc", "close", () => tell("")],
];

function actionOfDigit(digit) {
  return digit <= data.heads ? () => choose({ head: digit - 1 }) : null;
}

function themeChanged() {
  colours.clear();
  refresh();
}

// ---- begin

function watchControls() {
  watchClicks({ play: togglePlay, one: () => trainBy(1), thousand: () => trainBy(1000), restart, sample: sampleMore });
  byId("speed").addEventListener("change", (event) => { app.speed = Number(event.target.value); });
  byId("layer").addEventListener("change", (event) => choose({ layer: Number(event.target.value) }));
  for (const [id, read] of [["temperature", readTemperature], ["word", readWord]]) {
    byId(id).addEventListener("change", (event) => read(event.target.value));
    byId(id).addEventListener("keydown", (event) => { if (event.key === "Enter") event.target.blur(); });
  }
  watchKeys();
}

// What a curious person finds in the browser's console, as `live`.
function publish() {
  window.live = {
    get step() { return app.training.step; },
    get isRunning() { return isRunning(); },
    get losses() { return app.training.losses.slice(); },
    get weights() { return data.weights.map((place) => app.training.state[place]); },
    get numbers() { app.look.compute(app.training.state); return Array.from(app.look.numbers); },
    newWords(count, temperature, seed) { return newWords(app.training.state, temperature, seed, count); },
    get program() { return program; },
  };
}

function begin() {
  setText(byId("network"), data.network);
  setText(byId("of-steps"), ` of ${counted(data.steps)}`);
  setText(byId("curve-key"), `dots: words; line: mean of ${data.smoothed}`);
  for (let layer = 0; layer < data.layers; layer += 1) byId("layer").append(element("option", { value: layer }, layer + 1));
  byId("layer-field").hidden = data.layers === 1;
  byId("word").value = data.word;
  byId("temperature").value = exactly(data.temperature);
  makeHelp();
  watchControls();
  setWord(data.word);
  sampleOnce();
  new ResizeObserver(refresh).observe(document.body);
  publish();
  performance.mark("ready");
}

// The page is painted before its first numbers are there: they take the browser a moment.
requestAnimationFrame(() => setTimeout(begin));
