// ---- the page of a graph ----------------------------------------------------------------------

const WALK_MS = 1600; // a step of a walk by itself

const WIDE = 2.2; // a drawing with sides like that has the page's whole width

let frame = 0;

function refresh() {
  if (!frame) frame = requestAnimationFrame(showFrame);
}

function showFrame() {
  frame = 0;
  evaluate();
  showGraph();
  for (const place of boxes.keys()) describeBox(place);
  showLesson();
  if (app.isAsking) askOnce();
  showCode();
  showNudge();
  setText(byId("score"), score());
}

// ---- a walk by itself

function togglePlay() {
  if (app.playing) return pause();
  if (app.step !== null && app.step + 1 === allSteps.length) showStep(0);
  app.playing = setInterval(walk, WALK_MS);
  showPlaying();
  walk();
  return undefined;
}

function walk() {
  if (app.step !== null && (app.isAsking || app.step + 1 === allSteps.length)) pause();
  else if (app.step === null) showFirstStep();
  else showStep(app.step + 1);
}

function showFirstStep() {
  const timer = app.playing;
  app.playing = 0; // enterSteps ends a walk
  enterSteps();
  app.playing = timer;
  showPlaying();
}

function pause() {
  clearInterval(app.playing);
  app.playing = 0;
  showPlaying();
}

function showPlaying() {
  setText(byId("play").querySelector(".label"), app.playing ? "Pause" : "Play");
  document.body.classList.toggle("playing", Boolean(app.playing));
}

function stepBy(count) {
  pause();
  if (app.isAsking && count > 0) {
    tell("Tell the number first, or press “Show it”.");
    return byId("answer")?.focus();
  }
  tell("");
  if (app.step === null) return count > 0 ? enterSteps() : enterSteps(allSteps.length - 1);
  return count > 0 ? nextStep() : previousStep();
}

// ---- the lines of code

// Lines have numbers through all files; 0 is none.
const linesOfNodes = countsOf(data.source.lines);

// The line of what is shown: of the operation, of the call, or of the box that was chosen.
function litLine() {
  const step = app.step === null ? null : allSteps[app.step];
  if (step && step.fold) return folds.lines[step.fold];
  const place = step === null ? app.selected : step.phase === "backward" ? data.steps[step.index].node : step.node || rootPlace;
  if (!place && scene.fold) return folds.lines[scene.fold];
  return place > 0 ? linesOfNodes[place - 1] : 0;
}

function makeCode() {
  const files = data.source.files;
  byId("code-area").hidden = !files.length;
  document.body.classList.toggle("without-code", !files.length);
  let count = 0;
  files.forEach((file) => {
    const indent = Math.min(...file.lines.map(([, text]) => text.length - text.trimStart().length));
    byId("code").append(element("div", { class: "file" }, file.name));
    file.lines.forEach(([line, text], index) => {
      const gap = index && line > file.lines[index - 1][0] + 1;
      byId("code").append(element("div", { class: gap ? "code-line gap" : "code-line", "data-line": count += 1 },
        element("span", { class: "line-number" }, String(line)), element("code", {}, text.slice(indent) || " ")));
    });
  });
}

let lastLit = 0;

function showCode() {
  const lit = litLine();
  if (lit === lastLit) return;
  lastLit = lit;
  for (const each of byId("code").querySelectorAll(".code-line")) {
    const is = Number(each.dataset.line) === lit;
    each.classList.toggle("lit", is);
    if (is) {
      each.setAttribute("aria-current", "step");
      const area = byId("code"), top = each.offsetTop;
      if (top < area.scrollTop || top + each.offsetHeight > area.scrollTop + area.clientHeight) area.scrollTop = top - area.clientHeight / 2;
    } else each.removeAttribute("aria-current");
  }
}

// ---- keys and clicks

function setPredictingByKey() {
  byId("predict").checked = !byId("predict").checked;
  setPredicting(byId("predict").checked);
}

const KEYS = [
  ["→", "next step; PageDown, as presenters' clickers have it, too", () => stepBy(1)],
  ["←", "step back; PageUp, too", () => stepBy(-1)],
  ["PageDown", "next step", () => stepBy(1)],
  ["PageUp", "step back", () => stepBy(-1)],
  ["Home", "the first step", () => { pause(); enterSteps(0); }],
  ["End", "the last step", () => { pause(); enterSteps(allSteps.length - 1); }],
  ["Space", "walk by itself, or pause", togglePlay],
  ["P", "predict each next number", setPredictingByKey],
  ...GRAPH_KEYS,
  ...PAGE_KEYS,
  ...(folds ? FOLD_KEYS : []),
  ["Esc", "the whole pass", leaveSteps],
];

function actionOfDigit() {
  return null;
}

function themeChanged() {
  colours.clear();
  refresh();
}

function watchControls() {
  watchClicks({ next: () => stepBy(1), back: () => stepBy(-1), play: togglePlay });
  watchLesson();
  watchGraph();
  byId("predict").addEventListener("change", (event) => setPredicting(event.target.checked));
  byId("seed").addEventListener("change", (event) => sowSeed(event.target.value));
  watchKeys();
}

// What a curious person finds in the browser's console, as `live`.
function publish() {
  window.live = {
    get step() { return app.step; },
    get count() { return allSteps.length; },
    get names() { return data.nodes.map((node) => node.name); },
    get values() { evaluate(); return data.nodes.map((_, index) => value(index + 1)); },
    get gradients() { evaluate(); return data.nodes.map((_, index) => gradient(index + 1)); },
    get steps() { evaluate(); return data.steps.flatMap((step, index) => (gradient(step.node) === null ? [] : [backwardText(index)])); },
    get numbers() { evaluate(); return data.steps.map((_, index) => Object.values(stepNumbers(index))); },
    get scene() { return { fold: scene.fold, title: folds ? foldTitle(scene.fold) : "", boxes: [...boxes.keys()] }; },
    get asked() { return app.isAsking ? rightNumber(allSteps[app.step]) : null; },
    get program() { return program; },
  };
}

function sizeDrawing() {
  document.body.classList.toggle("wide", !folds && drawingSize.w > WIDE * drawingSize.h);
}

// Where the page begins; a step that is in a closed fold is the step over that.
function stepToBegin({ phase, node, position }) {
  if (phase === "first") return 0;
  if (phase === "end") return allSteps.length - 1;
  const index = data.steps.findIndex((step) => step.node === node && step.position === position);
  const at = phase === "forward" ? scene.computedAt[node - 1] : index < 0 ? -1 : scene.doneAt[index];
  const found = allSteps.findIndex((step) => step.phase === phase && step.at === at);
  return found < 0 ? firstOf("start") : found;
}

function begin() {
  setScene(0);
  sizeDrawing();
  makeCode();
  makeHelp();
  watchControls();
  watchNudge();
  publish();
  lookAtRest(true);
  new ResizeObserver(() => { if (camera.followed) followStep(); else camera.again?.(true); }).observe(byId("graph-area"));
  if (data.begin) enterSteps(stepToBegin(data.begin));
  refresh();
}

begin();
