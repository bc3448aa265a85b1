// ---- the page of a graph ----------------------------------------------------------------------

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
  byId("undo").hidden = isSame(app.numbers, start);
  byId("seed-field").hidden = !app.isPredicting || !canCompute || !data.variables.length;
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
    byId("lines").append(element("div", { class: "file" }, file.name));
    file.lines.forEach(([line, text], index) => {
      const gap = index && line > file.lines[index - 1][0] + 1;
      byId("lines").append(element("div", { class: gap ? "code-line gap" : "code-line", "data-line": count += 1 },
        element("span", { class: "line-number" }, String(line)), element("code", {}, text.slice(indent) || " ")));
    });
  });
}

let lastLit = 0;

function showCode() {
  const lit = litLine();
  if (lit === lastLit) return;
  lastLit = lit;
  for (const each of byId("lines").querySelectorAll(".code-line")) {
    const is = Number(each.dataset.line) === lit;
    each.classList.toggle("lit", is);
    if (is) {
      each.setAttribute("aria-current", "step");
      const area = byId("lines"), top = each.offsetTop;
      if (top < area.scrollTop || top + each.offsetHeight > area.scrollTop + area.clientHeight) area.scrollTop = top - area.clientHeight / 2;
    } else each.removeAttribute("aria-current");
  }
}

// ---- keys and clicks

const pause = endWalk; // nothing else goes by itself

const KEYS = [
  ["→", "next step; PageDown, as presenters' clickers have it, too", () => stepBy(1)],
  ["←", "step back; PageUp, too", () => stepBy(-1)],
  ["PageDown", "next step", () => stepBy(1)],
  ["PageUp", "step back", () => stepBy(-1)],
  ["Home", "the first step", () => { enterSteps(0); }],
  ["End", "the last step", () => { enterSteps(allSteps.length - 1); }],
  ["Space", "walk by itself, or pause", toggleWalk],
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
  byId("predict").dataset.key = "P";
  byId("walk").dataset.key = "Space";
  watchClicks({ undo: withoutNudges });
  watchLesson();
  watchGraph();
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
  new ResizeObserver(() => { if (camera.followed) followStep(); else camera.again?.(true); }).observe(drawing);
  if (data.begin) enterSteps(stepToBegin(data.begin));
  refresh();
}

begin();
