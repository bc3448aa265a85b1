// ---- every run, and the way back to each ----------------------------------------------------

const MOST_RUNS = 200;
const MOST_LOSSES = 4e6; // of all runs together: 32 MB

// A change makes another run of the one that is shown, which stays as it is, whatever was trained in
// it.  To undo a change is to go back to the run that it was made in.  A run has its timeline; `what`
// was changed and at which epoch; the run it comes `from`; the one to go to `again`; and the
// `gesture` that it belongs to, such as one drag, whose every move would else be a change.
const runs = { all: [], now: null, count: 0, gestures: 0 };

function addRun(timeline, what, start = {}, gesture = null) {
  const before = runs.now, { seed = app.seed, moment = app.moment } = start;
  const run = { timeline, what, seed, moment, gesture, from: before, again: null, epoch: timeline.epoch, number: (runs.count += 1) };
  if (before) before.again = run;
  runs.all.push(run);
  showRun(run);
  forgetTheOldest();
  makeRunItem(run);
}

function showRun(run) {
  runs.now = run;
  Object.assign(app, { timeline: run.timeline, seed: run.seed, moment: run.moment });
}

// There is not room for everything: the oldest runs go first, and the list says so.
function forgetTheOldest() {
  const size = () => runs.all.reduce((sum, { timeline }) => sum + timeline.losses.length, 0);
  while (runs.all.length > 1 && (runs.all.length > MOST_RUNS || size() > MOST_LOSSES)) {
    const oldest = runs.all.find((run) => run !== runs.now);
    runs.all.splice(runs.all.indexOf(oldest), 1);
    oldest.item.remove();
    for (const run of runs.all) {
      if (run.from === oldest) run.from = null;
      if (run.again === oldest) run.again = null;
    }
    byId("runs-forgotten").hidden = false;
  }
}

// Change [kind, index, number], or several of them at once, from this epoch on.
function change(what, edits, gesture = null) {
  const { timeline } = app, { now } = runs;
  const isSameGesture = gesture !== null && gesture === now.gesture && timeline.epoch === now.epoch && timeline.latest === now.epoch;
  if (!isSameGesture) addRun(timeline.fork(), what, {}, gesture);
  for (const edit of edits) app.timeline.edit(...edit);
  runs.now.what = what;
  if (!isSameGesture) tellWhatIsKept(timeline.latest - timeline.epoch, "trained beyond this epoch");
}

function newGesture() {
  return (runs.gestures += 1);
}

function tellWhatIsKept(epochs, which) {
  if (!epochs) return tell("");
  const them = epochs === 1 ? `The epoch ${which} belongs` : `The ${counted(epochs)} epochs ${which} belong`;
  return tell(`${them} to the run before this change. Undo (Ctrl+Z) brings ${epochs === 1 ? "it" : "them"} back.`);
}

// Start again; the learning rate and the data stay as they are now.
function restart(seed, moment) {
  const { timeline } = app, isChanged = timeline.latest > 0 || timeline.edits.some(({ kind }) => kind === "w");
  if (!isChanged && seed === app.seed && moment === app.moment) return tell("");
  addRun(timeline.restarted(weightsAtStart(seed, moment)), startName(seed, moment), { seed, moment });
  return tellWhatIsKept(timeline.latest, "trained before");
}

function weightsAtStart(seed, moment) {
  if (moment) return Float64Array.from(moment);
  return seed === null ? builtStart() : seededStart(seed);
}

function startName(seed, moment) {
  if (moment) return "the weights of an address";
  return seed === null ? "the weights that the page came with" : `seed ${seed}`;
}

// ---- there and back

function goToRun(run) {
  pause();
  leaveSteps();
  runs.now.gesture = run.gesture = null; // another change is another run
  showRun(run);
  refresh();
}

function whereNow() {
  const { epoch, latest } = app.timeline;
  return `Epoch ${counted(epoch)} of ${counted(latest)} trained.`;
}

function undo() {
  const { now } = runs;
  if (!now.from && isBuilt()) return history.back();
  if (!now.from) return tell(`There is no change to undo${byId("runs-forgotten").hidden ? "" : " that is still kept"}. To undo training, rewind it below the loss.`);
  now.from.again = now;
  goToRun(now.from);
  return tell(`Undone: ${now.what}. ${whereNow()}`);
}

function redo() {
  const { again } = runs.now;
  if (!again) return tell("There is no change to redo.");
  goToRun(again);
  return tell(`Done again: ${again.what}. ${whereNow()}`);
}

function undoKey(event) {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.matches(TEXT_FIELDS)) return; // a field undoes its own text
  const key = event.key.toLowerCase(), back = key === "z" && !event.shiftKey, again = key === "y" || (key === "z" && event.shiftKey);
  if (!back && !again) return;
  event.preventDefault();
  (back ? undo : redo)();
}

function watchRuns() {
  watchClicks({ undo, redo });
  document.addEventListener("keydown", undoKey);
}

// ---- the list of them

function makeRunItem(run) {
  const name = element("span", {}), state = element("small", {});
  const button = element("button", { type: "button", onclick: () => { goToRun(run); tell(""); say(`${run.what}. ${whereNow()}`); } }, name, state);
  Object.assign(run, { item: element("li", {}, button), name, state, button });
  byId("runs").append(run.item);
}

function showRuns() {
  byId("undo").disabled = !runs.now.from && !isBuilt();
  byId("redo").disabled = !runs.now.again;
  if (byId("runs-panel").hidden) return;
  for (const run of runs.all) {
    const { timeline, from, epoch } = run;
    setText(run.name, from ? `${run.number}. ${run.what}` : `${run.number}. Start: ${run.what}`);
    const where = epoch ? `at epoch ${counted(epoch)}` : "at the start";
    const parent = from && from.number !== run.number - 1 ? ` of run ${from.number}` : "";
    setText(run.state, `${from ? where + parent : "the first"}; ${trainedText(timeline)}`);
    if (run === runs.now) run.button.setAttribute("aria-current", "true");
    else run.button.removeAttribute("aria-current");
  }
}

function trainedText({ latest, losses }) {
  return latest ? `trained to ${counted(latest)}, loss ${shown(losses[latest - 1])}` : "not trained";
}
