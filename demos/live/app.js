// ---- the page -------------------------------------------------------------------------------

const FRAME_MS = 9; // training's share of a frame at most
const GOAL_MS = 45; // and when it trains up to an epoch
const PLANE_MS = 28; // and the plane's many numbers are made for every second frame
const TEXT_MS = 150; // numbers that change more often cannot be read
const ADDRESS_MS = 400;

let frame = 0;
let lastFrame = 0;
let lastText = 0;
let lastPlane = 0;
let owed = 0;
let goal = null; // an epoch to train up to at full speed
let addressTimer = 0;
let lastHash = "";

// Show everything as it is now, once, at the next frame.
function refresh() {
  if (!frame) frame = requestAnimationFrame(showFrame);
}

function showFrame(time) {
  frame = 0;
  if (app.playing || goal !== null) trainInFrame(time);
  const isBehind = !followCompared();
  const running = app.playing || goal !== null || isBehind; // the last frame of training shows everything
  evaluate();
  showReadouts();
  if (!running || time - lastPlane > PLANE_MS) {
    lastPlane = time;
    showPlane();
  }
  showCurve();
  showTimeline();
  if (!running || time - lastText > TEXT_MS) {
    lastText = time;
    showNeurons();
    showNetwork();
    if (!running || !isNetworkShown()) showGraph();
    showTables();
    showRowChoice();
    showFields();
    showLesson();
    showStepModes();
    showScene();
    showCodeOfStep();
    showCompared();
    if (app.isAsking) askOnce();
    showNudge();
    setText(byId("score"), score());
    if (!running) settle();
  }
  if (running) refresh();
}

// What need not follow every frame of training.
function settle() {
  for (const place of boxes.keys()) describeBox(place);
  describePlane();
  clearTimeout(addressTimer);
  addressTimer = setTimeout(writeAddress, ADDRESS_MS);
}

function trainInFrame(time) {
  const elapsed = Math.min(100, lastFrame ? time - lastFrame : 16);
  lastFrame = time;
  const until = performance.now() + (goal === null ? FRAME_MS : GOAL_MS);
  owed = goal === null ? owed + (app.speed * elapsed) / 1000 : goal - app.timeline.epoch;
  let slice = 1;
  while (owed >= 1 && performance.now() < until && !stopped()) {
    const count = Math.min(slice, Math.floor(owed));
    app.timeline.train(count);
    owed -= count;
    slice = Math.min(2 * slice, 500);
  }
  if (goal === null) owed = Math.min(owed, Math.max(1, app.speed / 10)); // too slow for this speed: do not catch up
  if (goal !== null && app.timeline.epoch >= goal) endGoal();
  if (stopped()) {
    pause();
    tellWhyStopped();
  }
}

function stopped() {
  return app.timeline.isBroken || app.timeline.epoch >= MOST_EPOCHS;
}

function tellWhyStopped() {
  if (app.timeline.isBroken) {
    tell(`The loss of epoch ${counted(app.timeline.brokenAt)} is not finite, so training stopped at epoch ${counted(app.timeline.epoch)}. A smaller learning rate is the usual remedy: change it here, or rewind first.`);
  } else tell(`The page trains ${counted(MOST_EPOCHS)} epochs at most.`);
}

// ---- play and pause

function play() {
  leaveSteps();
  if (stopped()) return tellWhyStopped();
  tell("");
  Object.assign(app, { playing: true });
  [lastFrame, owed] = [0, 0];
  showPlaying();
  say("Playing");
  refresh();
}

function pause() {
  endWalk();
  const was = app.playing || goal !== null;
  app.playing = false;
  goal = null;
  showPlaying();
  if (was) {
    refresh();
    say(`Paused at epoch ${app.timeline.epoch}, loss ${general(app.timeline.measure().loss, 4)}`);
  }
}

function togglePlay() {
  if (app.playing || goal !== null) pause();
  else play();
}

function showPlaying() {
  const running = app.playing || goal !== null;
  setText(byId("play").querySelector(".label"), running ? "Pause" : "Play");
  document.body.classList.toggle("playing", running);
}

// Train so many epochs at once, where that is quick; otherwise frame by frame.
function trainBy(count) {
  if (stopped()) return tellWhyStopped();
  tell("");
  trainTo(Math.min(app.timeline.epoch + count, MOST_EPOCHS));
}

function trainTo(epoch) {
  app.playing = false;
  const until = performance.now() + 60;
  while (app.timeline.epoch < epoch && performance.now() < until && !stopped()) app.timeline.train(Math.min(100, epoch - app.timeline.epoch));
  if (app.timeline.epoch < epoch && !stopped()) {
    goal = epoch;
    lastFrame = 0;
  } else if (stopped()) tellWhyStopped();
  showPlaying();
  refresh();
  if (goal === null) sayEpoch();
}

function endGoal() {
  goal = null;
  showPlaying();
  sayEpoch();
  showPendingView();
}

function sayEpoch() {
  say(`Epoch ${app.timeline.epoch}, loss ${general(app.timeline.measure().loss, 4)}`);
}

// ---- new starts

function startFrom(seed, moment = null) {
  pause();
  leaveSteps();
  restart(seed, moment);
  refresh();
  say(`${startName(seed, moment)}: epoch 0`);
}

function readSeed(text) {
  const cleaned = text.trim();
  if (cleaned === "") return startFrom(null);
  if (!/^\d{1,15}$/.test(cleaned)) {
    tell("A seed is a whole number, 0 or more, of at most 15 digits; empty is the start the page came with.");
    return showFields();
  }
  return startFrom(Number(cleaned));
}

function readRate(text) {
  const rate = numberFrom(text);
  if (!isRate(rate)) {
    tell(`A learning rate is a number above 0, at most ${counted(LARGEST_NUMBER)}.`);
    return showFields();
  }
  tell("");
  if (rate !== app.timeline.parameters[data.learningRate]) {
    change(`learning rate ${general(rate, 6)}`, [["lr", 0, rate]]);
    say(`Learning rate ${general(rate, 6)} from epoch ${app.timeline.epoch} on`);
  }
  if (app.step !== null) showStep(app.step);
  return refresh();
}

// ---- numbers at the top

function showReadouts() {
  setText(byId("epoch"), counted(app.timeline.epoch));
  const { loss } = app.measured;
  setText(byId("loss"), Math.abs(loss) < 1000 ? fixed(loss, 4) : shown(loss, 4));
  const rights = data.rows.map((_, row) => isRight(row));
  if (rights[0] !== null) setText(byId("right"), `${rights.filter(Boolean).length} of ${rights.length}`);
}

function showFields() {
  const rate = byId("rate"), seed = byId("seed");
  if (document.activeElement !== rate) rate.value = exactly(app.timeline.parameters[data.learningRate]);
  if (document.activeElement !== seed) seed.value = app.seed === null ? "" : app.seed;
  for (const field of [rate, seed, byId("epoch-field")]) field.style.setProperty("--digits", field.value.length);
}

// ---- the address

function currentState() {
  const { timeline, seed, moment, row, step, selected, output, probe } = app;
  const point = probe ? [probe[0], probe[1]] : null, isLog = byId("log-scale").checked;
  const byLayer = document.body.classList.contains("by-layer");
  return { timeline, scene: app.scene, seed, moment, epoch: timeline.epoch, row, point, selected, output, isLog, step, byLayer, edits: timeline.edits };
}

function writeAddress() {
  if (app.playing || goal !== null) return;
  const { hash } = addressOf(currentState());
  if (hash === lastHash) return;
  lastHash = hash;
  try {
    history.replaceState(history.state, "", hash || location.pathname + location.search);
  } catch {
    location.replace(hash || "#"); // some browsers forbid it for a file
  }
}

let pendingView = null;

function readAddress() {
  if (location.hash === lastHash || (location.hash !== "" && byId(location.hash.slice(1)))) return;
  if (addressOfNetwork(askedIn(location.hash, data.pieces)) !== addressOfNetwork(data.asked)) return location.reload();
  const { state, ignored } = stateFrom(location.hash), { seed, moment, scene: asked } = state;
  if (asked && location.hash === addressOfScene(asked)) Object.assign(state, asked.moment());
  pause();
  leaveSteps();
  light([], []);
  Object.assign(app, { row: state.row, probe: null, selected: 0, scene: asked });
  const timeline = new Timeline(weightsAtStart(seed, moment), data.rows.flat(), width);
  timeline.begin(timeline.start, state.edits);
  addRun(timeline, runs.now ? "an address" : startName(seed, moment), { seed, moment });
  lastHash = location.hash;
  tell(ignored.length ? `Not understood in the address, and ignored: ${ignored.join(", ").slice(0, 200)}` : "");
  pendingView = state;
  trainTo(state.epoch);
  if (goal === null) showPendingView();
  if (asked?.key === "stuck") beginSearch(seed);
}

// What an address says of the view, once its epoch is reached.
function showPendingView() {
  if (pendingView === null) return;
  const { point, selected, output, isLog, step, byLayer } = pendingView;
  pendingView = null;
  byId("log-scale").checked = isLog;
  if (data.domain) showOutput(output);
  if (point) probeAt(...point);
  if (step !== null) return enterStepsAt(step, byLayer);
  app.selected = selected;
  lightSelection();
  refresh();
}

// ---- keys

const KEYS = [
  ["Space", "play or pause; in a lesson the next step", () => (app.step ?? app.waiting) === null ? togglePlay() : stepBy(1)],
  ["E", "one epoch", () => trainBy(1)],
  ["T", "1,000 epochs", () => trainBy(1000)],
  ["[", "slower", () => changeSpeed(-1)],
  ["]", "faster", () => changeSpeed(1)],
  ["Home", "rewind to epoch 0", () => rewindTo(0)],
  ["End", "forward to the last epoch trained", () => rewindTo(app.timeline.latest)],
  ["J", "go to the rewind slider", () => byId("timeline").focus()],
  ["R", "reset: the same start again", () => startFrom(app.seed, app.moment)],
  ["N", "new random start", newStart],
  ["Ctrl+Z", "undo the last change: of a number, the data or the start", null],
  ["Ctrl+Y", "do it again; Ctrl+Shift+Z too", null],
  ["K", "another network, other data", openChoice],
  ["C", "compare with another run; again to end it", switchCompare],
  ["O", "how often does it learn?", openOften],
  ["S", "set the seed", () => byId("seed").focus()],
  ["L", "set the learning rate", () => byId("rate").focus()],
  ["B", "step through backprop, or leave it", () => (app.step === null ? enterSteps() : leaveSteps())],
  ["I", "step layer by layer, or leave it", toggleLayers],
  ["→", "next step; PageDown too", () => app.step !== null && stepBy(1)],
  ["←", "step back; PageUp too", () => app.step !== null && stepBy(-1)],
  ["PageDown", "next step, or step through backprop", () => stepBy(1)],
  ["PageUp", "step back", () => stepBy(-1)],
  ["Y", "predict each next number", setPredictingByKey],
  ["1 – 9", "row of the data shown in the graph", null],
  ["F", "flip the target of that row", () => flipRow(app.row)],
  ["P", "go to the boundary (arrows move, Enter shows a point)", () => plane.focus()],
  ["W", "weights", () => { showTab("weights"); byId("weights-panel").focus(); }],
  ["D", "data", () => { showTab("data"); byId("data-panel").focus(); }],
  ["H", "history: every run, to go back to", () => { showTab("runs"); byId("runs-panel").focus(); }],
  ["V", "the network, or its operations", switchView],
  ...GRAPH_KEYS.map(([key, what, action]) => [key, what, () => { showView("graph"); action(); }]),
  ["Z", "presentation: large, on the whole screen, without the settings; or all again", present],
  ["X", "export", openExport],
  ...PAGE_KEYS,
  ["Esc", "close what is open: a step, a neuron", () => (app.step === null ? showView("network") : leaveSteps())],
];

function actionOfDigit(digit) {
  return digit <= data.rows.length ? () => chooseRow(digit - 1) : null;
}

function newStart() {
  if (data.draws) startFrom(Math.floor(Math.random() * 10000));
}

function changeSpeed(by) {
  const select = byId("speed");
  select.selectedIndex = Math.max(0, Math.min(select.options.length - 1, select.selectedIndex + by));
  app.speed = Number(select.value);
  say(`Speed: ${select.options[select.selectedIndex].text}`);
}

function themeChanged() {
  colours.clear();
  field.palette = null;
  refresh();
}

function makeLegend() {
  if (!data.domain) return;
  const { low, high, threshold } = data.scale, classes = data.classes;
  const texts = data.targets.length > 1
    ? ["other classes", "the class shown"]
    : classes.length ? [shown(classes[0][0]), shown(classes[classes.length - 1][0])] : [shown(low), shown(high)];
  byId("legend").append(
    element("span", { class: "low" }, `● target ${texts[0]}`), element("span", { class: "high" }, `■ target ${texts[1]}`),
    element("span", {}, `✕ wrong side`), element("span", {}, `— output ${shown(threshold)}`));
}

// ---- begin

function watchControls() {
  watchClicks({
    play: togglePlay, one: () => trainBy(1), thousand: () => trainBy(1000), reset: () => startFrom(app.seed, app.moment), "new-start": newStart,
    "step-mode": () => (app.step === null ? enterSteps() : leaveSteps()), present,
    "phase-update": () => showStep(firstOf("update")), "whole-program": openProgram,
  });
  byId("predict").dataset.key = "Y";
  watchLesson();
  watchNudge();
  for (const id of ["slider", "number"]) byId(id).addEventListener("change", endNudge);
  watchRuns();
  watchPresentation();
  watchGraph();
  watchNetwork();
  byId("speed").addEventListener("change", (event) => { app.speed = Number(event.target.value); });
  byId("rate").addEventListener("change", (event) => readRate(event.target.value));
  byId("seed").addEventListener("change", (event) => readSeed(event.target.value));
  for (const id of ["rate", "seed", "epoch-field"]) {
    byId(id).addEventListener("keydown", (event) => { if (event.key === "Enter") event.target.blur(); });
  }
  watchKeys();
  window.addEventListener("hashchange", readAddress);
  window.addEventListener("resize", refresh);
}

// What a curious person finds in the browser's console, as `live`.
function publish() {
  window.live = {
    get epoch() { return app.timeline.epoch; },
    get loss() { return app.timeline.measure().loss; },
    get losses() { return Array.from(app.timeline.losses.subarray(0, app.timeline.latest)); },
    get weights() { return Object.fromEntries(data.weights.map((weight) => [weight.name, app.timeline.parameters[weight.place]])); },
    get meanGradients() { const { means } = app.timeline.measure(); return Object.fromEntries(data.weights.map((weight, index) => [weight.name, means[index]])); },
    get values() { evaluate(); return data.nodes.map((_, index) => value(index + 1)); },
    get gradients() { evaluate(); return data.nodes.map((_, index) => gradient(index + 1)); },
    get predictions() { return data.rows.map((_, row) => predictions(row)); },
    get names() { return data.nodes.map((node) => node.name); },
    get steps() { evaluate(); return data.steps.flatMap((step, index) => gradient(step.node) === null ? [] : [backwardText(index)]); },
    get compared() { return comparedNumbers(); },
    get program() { return program; },
  };
}

function begin() {
  setText(byId("network"), data.network);
  setText(byId("title"), data.title);
  document.title = document.title.replace(ownNetwork.title, data.title);
  if (!data.draws) byId("new-start").hidden = byId("seed").parentElement.hidden = true;
  if (!data.domain) byId("plane-card").remove();
  if (!data.classes.length) byId("right-readout").remove();
  document.body.classList.toggle("no-plane", !data.domain);
  if (data.asked) drawOperations();
  setScene(0);
  makeTables();
  makeRowButtons();
  if (data.domain) { makeNeurons(); makeLegend(); }
  makeNetwork();
  if (hasNetwork()) makeLayerSteps();
  makeScenes();
  makeHelp();
  watchControls();
  watchPlane();
  watchCurve();
  watchExports();
  watchProgram();
  watchChoice();
  watchCompare();
  watchOften();
  publish();
  lookAtAll(true);
  new ResizeObserver(refresh).observe(document.body);
  new ResizeObserver(followStep).observe(drawing);
  lastHash = "none";
  readAddress();
  watchEarlierRuns();
  refresh();
}

begin();
