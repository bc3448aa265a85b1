// ---- step through backprop ------------------------------------------------------------------

const MOST_TERMS = 16; // of a sum that is shown

// All steps: forward, one node or one closed fold at a time; the start of the backward pass; backward,
// one local derivative or one fold at a time; then what further steps the page has.
const firstOf = (phase) => allSteps.findIndex((step) => (step.of ?? step.phase) === phase); // a step of a page's own may belong to a phase
const countOf = (phase) => allSteps.filter((step) => step.phase === phase).length;
const rootName = nodeName(rootPlace);

function enterSteps(at = 0) {
  pause();
  Object.assign(app, { selected: 0, waiting: null });
  document.body.classList.add("stepping"); // the graph has its new size before it is looked at
  if (document.documentElement.scrollHeight > window.innerHeight + 4) byId("graph-card").scrollIntoView();
  showStep(Math.max(0, Math.min(at, allSteps.length - 1)));
  byId("next").focus({ preventScroll: true });
}

function leaveSteps() {
  app.waiting = null;
  if (app.step === null) return;
  endWalk();
  Object.assign(app, { step: null, isAsking: false });
  document.body.classList.remove("stepping");
  light([], []);
  lookAtRest();
  further.afterLeaving?.();
  refresh();
}

// A box that is clicked in a lesson is explained meanwhile: the next step, or the one before, goes on.
function letStepWait() {
  const waiting = app.step ?? app.waiting;
  leaveSteps();
  app.waiting = waiting;
}

function showStep(index) {
  const step = allSteps[index];
  app.step = index;
  evaluate(); // other numbers are asked for anew
  app.isAsking = further.isAsked(step);
  drawing.dataset.phase = step.phase;
  light(...litBy(step));
  lookAt(...litBy(step));
  refresh();
  say(app.isAsking ? `${phaseTitle(step)}: which number?` : `${phaseTitle(step)}: ${stepText(step)}`);
}

function nextStep() {
  if (app.step === null) return enterSteps();
  if (app.step + 1 < allSteps.length) return showStep(app.step + 1);
  further.afterTheLast();
}

function previousStep() {
  if (app.step === null) return;
  if (app.step > 0) return showStep(app.step - 1);
  further.beforeTheFirst();
}

function watchLesson() {
  watchClicks({
    next: () => stepBy(1), back: () => stepBy(-1), walk: toggleWalk,
    "leave-steps": leaveSteps, "phase-forward": () => showStep(firstOf("forward")), "phase-backward": () => showStep(firstOf("start")),
  });
  byId("predict").addEventListener("change", (event) => setPredicting(event.target.checked));
}

function phaseOf(step) {
  const phase = step.of ?? step.phase;
  return phase === "start" ? "backward" : phase;
}

function litBy(step) {
  if (step.fold) {
    const into = [...scene.arrows.values()].filter((arrow) => arrow.to === -step.fold);
    return [[-step.fold, ...into.map((arrow) => arrow.from)], into.map((arrow) => arrow.key)];
  }
  if (step.phase === "forward") {
    const parents = data.nodes[step.node - 1].parents;
    return [[step.node, ...parents], parents.map((_, position) => scene.arrowOf(step.node, position))];
  }
  if (step.phase === "start") return [isInside() ? scene.outs : [rootPlace], []];
  if (step.phase === "backward") {
    const { node, parent, position } = data.steps[step.index];
    return [[parent, node], [scene.arrowOf(node, position)]];
  }
  return further.lit(step);
}

function phaseTitle(step) {
  if (step.phase === "forward") return `Forward ${app.step + 1} of ${countOf("forward")}`;
  if (step.phase === "start") return "Backward begins";
  if (step.phase === "backward") return `Backward ${step.at + 1} of ${countOf("backward")}`;
  return further.title(step);
}

// A step in one line; a backward step exactly as Python's str(step) writes it.
function stepText(step) {
  if (step.fold) return foldText(step);
  if (step.phase === "forward") {
    const node = data.nodes[step.node - 1];
    return `${nodeName(step.node)} = ${plainFormula(node.formula)} = ${general(value(step.node), 6)}`;
  }
  if (step.phase === "start") return isInside() ? `The gradients of what ${foldTitle(scene.fold)} gives come in` : `d ${rootName}/d ${rootName} = 1`;
  if (step.phase === "backward") return backwardText(step.index);
  return further.text(step);
}

function backwardText(index) {
  const step = data.steps[index], numbers = stepNumbers(index);
  const [node, parent] = [nodeName(step.node), nodeName(step.parent)];
  const { upstream, local, contribution, taken } = numbers;
  const total = gradient(step.parent, scene.doneAt[index] + 1);
  if (!taken) {
    const formula = plainFormula(data.nodes[step.node - 1].formula), sum = general(total ?? 0, 6);
    if (gradient(step.node) === null) return `d ${rootName}/d ${parent} += nothing: nothing reaches ${node} = ${formula}  (sum ${sum})`;
    return `d ${rootName}/d ${parent} += nothing: ${node} = ${formula} did not take ${parent}  (sum ${sum})`;
  }
  return (
    `d ${rootName}/d ${parent} += d ${rootName}/d ${node} × d ${node}/d ${parent}` +
    ` = ${general(upstream, 6)} × ${general(local, 6)} = ${general(contribution, 6)}` +
    `  (sum ${general(total, 6)}; ${node} = ${plainFormula(data.nodes[step.node - 1].formula)})`
  );
}

// Why a step adds nothing.
function untaken(step) {
  const [node, parent] = [nodeName(step.node), nodeName(step.parent)];
  return gradient(step.node) === null ? `nothing: nothing reaches ${node}, so it passes nothing on` : `nothing: ${node} did not take ${parent}`;
}

// ---- how a lesson looks

// A derivative as a fraction.
function fraction(over, under) {
  return element("span", { class: "fraction", role: "img", "aria-label": `d ${over} by d ${under}` },
    element("span", {}, "d ", name(over)), element("span", {}, "d ", name(under)));
}

function name(text) {
  return element("var", {}, text);
}

function number(text, kind = "") {
  return element("span", { class: `number ${kind}` }, text);
}

function signedNumber(amount, digits = 4) {
  return number(shown(amount, digits), amount < 0 ? "minus" : amount > 0 ? "plus" : "");
}

function line(label, ...parts) {
  return element("div", { class: "line" }, element("span", { class: "label" }, label), element("span", { class: "formula" }, ...parts));
}

function note(text) {
  return element("p", { class: "note" }, text);
}

function showLesson() {
  const stepping = app.step !== null;
  for (const id of ["phases", "leave-steps", "step-progress"]) byId(id).hidden = !stepping;
  byId("step-count").hidden = !stepping && app.waiting === null;
  byId("phase-update").hidden = firstOf("update") < 0;
  byId("step-mode")?.setAttribute("aria-pressed", String(stepping));
  if (stepping) return showStepLesson(allSteps[app.step]);
  setText(byId("next"), "Next →");
  for (const id of ["next", "back"]) byId(id).disabled = false;
  const [title, lines] = restLesson(app.selected);
  setText(byId("lesson-title"), title);
  return byId("lesson").replaceChildren(...lines);
}

// What is said of the box that is chosen, or of what is open.
function restLesson(id) {
  if (id < 0) return [severalText(id), severalExplained(id)];
  if (id) return [`The gradient of ${nodeName(id)}`, explanation(id)];
  if (scene.fold) return [foldTitle(scene.fold), openedLesson()];
  return ["What is going on here", further.introduction()];
}

// Whether the result is outside of what is open.
function isInside() {
  return scene.fold > 0 && !scene.outs.includes(rootPlace);
}

function showStepLesson(step) {
  setText(byId("lesson-title"), phaseTitle(step));
  setText(byId("step-count"), `${app.step + 1} / ${allSteps.length}`);
  byId("step-progress").max = allSteps.length;
  byId("step-progress").value = app.step + 1;
  for (const button of byId("phases").children) {
    if (button.dataset.phase === phaseOf(step)) button.setAttribute("aria-current", "step");
    else button.removeAttribute("aria-current");
  }
  const first = app.step === 0, last = app.step + 1 === allSteps.length;
  setText(byId("next"), last ? further.lastLabel() : "Next →");
  byId("next").disabled = last && further.isTheEnd();
  byId("back").disabled = first && further.isTheStart();
  const lessons = { forward: forwardLesson, start: isInside() ? startInside : startLesson, backward: backwardLesson };
  const lesson = step.fold ? foldLesson : app.isAsking ? further.question : lessons[step.phase] || further.lesson;
  const isTyping = app.isAsking && byId("answer") && byId("lesson").dataset.step === String(app.step);
  if (!isTyping) byId("lesson").replaceChildren(...further.verdict(step), ...lesson(step));
  byId("lesson").dataset.step = app.step;
  byId("lesson").dataset.text = app.isAsking ? "" : stepText(step);
}

function forwardLesson({ node: place }) {
  const node = data.nodes[place - 1];
  return [
    line("formula", name(nodeName(place)), " = ", withNames(node.formula)),
    line("numbers", name(nodeName(place)), " = ", withNumbers(node.formula)),
    line("value", name(nodeName(place)), " = ", signedNumber(value(place))),
    ...(place === rootPlace ? [note("Now every node has a value. The way back asks of each: if it grew a little, how much would the loss grow?")] : []),
  ];
}

function startLesson() {
  return [
    line("start", fraction(rootName, rootName), " = ", number("1", "plus")),
    note(`If ${rootName} grows by a little, ${rootName} grows by just that.${data.steps.length ? " From here the chain rule goes back, arrow by arrow: upstream gradient × local derivative." : " It is computed from nothing else, so there is nothing to go back to."}`),
  ];
}

function backwardLesson({ index }) {
  const step = data.steps[index], numbers = stepNumbers(index), into = stepsInto[step.parent - 1], at = scene.doneAt[index];
  const done = into.filter((each) => isDone(each, at + 1)), nth = done.length;
  const [node, parent] = [nodeName(step.node), nodeName(step.parent)];
  const formula = data.nodes[step.node - 1].formula;
  const rule = step.local || ["…"];
  const rows = !numbers.taken ? [
    line("chain rule", fraction(rootName, parent), " += ", untaken(step)),
    line("formula", name(node), ` = ${withNames(formula)}`),
  ] : [
    line("chain rule", fraction(rootName, parent), nth > 1 ? " += " : " = ", fraction(rootName, node), " × ", fraction(node, parent)),
    line("local", element("span", { class: "since" }, "since ", name(node), ` = ${withNames(formula)},`), " ", fraction(node, parent), rule.length > 1 ? ` = ${withNames(rule)}` : "", " = ", signedNumber(numbers.local)),
    line("numbers", signedNumber(numbers.upstream), " × ", signedNumber(numbers.local), " = ", signedNumber(numbers.contribution)),
  ];
  const skipped = Math.max(0, nth - MOST_TERMS); // of a parameter that is used very often
  const sum = done.filter((each, place) => place >= skipped || each === index).flatMap((each, place) => {
    const part = stepNumbers(each).contribution + 0; // no minus sign on the zero of what was not taken
    return [place ? " + " : skipped ? "… + " : "", number(place ? operand(part) : shown(part), each === index ? "new" : "")];
  });
  const left = into.length - nth;
  const state = left ? `so far; ${left} more ${left === 1 ? "use" : "uses"} of ${parent} to come` : into.length > 1 ? `complete: all ${into.length} uses of ${parent} are in` : "complete";
  rows.push(line("sum", fraction(rootName, parent), " = ", ...(nth > 1 ? [...sum, " = "] : []), signedNumber(gradient(step.parent, at + 1) ?? 0), element("small", {}, ` ${state}`)));
  return rows;
}

// ---- the gradient of one node, as a sum over its uses

function explanation(place) {
  const node = data.nodes[place - 1], into = stepsInto[place - 1];
  const rows = [];
  rows.push(line("value", name(nodeName(place)), node.formula ? ` = ${withNames(node.formula)}` : "", " = ", signedNumber(value(place))));
  if (place === rootPlace) {
    rows.push(line("gradient", fraction(rootName, rootName), " = ", number("1", "plus")), note("Every gradient is a derivative of this node, so its own is 1."));
    return rows;
  }
  if (!into.length) return [...rows, note(isConstant(node) ? "A constant: nothing flows back to it." : "Nothing reaches it: its gradient is 0.")];
  for (const index of into.slice(0, MOST_TERMS)) {
    const step = data.steps[index], numbers = stepNumbers(index), user = nodeName(step.node);
    if (!numbers.taken) rows.push(line(`by ${user}`, untaken(step)));
    else rows.push(line(`by ${user}`, fraction(rootName, user), " × ", fraction(user, nodeName(place)), " = ", signedNumber(numbers.upstream), " × ", signedNumber(numbers.local), " = ", signedNumber(numbers.contribution)));
  }
  if (into.length > MOST_TERMS) rows.push(note(`… and ${counted(into.length - MOST_TERMS)} more uses`));
  const parts = into.slice(0, MOST_TERMS).flatMap((index, at) => [at ? " + " : "", number((at ? operand : shown)(stepNumbers(index).contribution + 0))]);
  if (into.length > MOST_TERMS) parts.push(" + …");
  rows.push(line("gradient", fraction(rootName, nodeName(place)), " = ", ...(into.length > 1 ? [...parts, " = "] : []), signedNumber(gradient(place) ?? 0)));
  const uses = into.length === 1 ? "It is used once, so its gradient has one term." : `It is used ${into.length} times, so its gradient is a sum of ${into.length} terms.`;
  rows.push(note(uses), ...reasons(place).map(note));
  return rows;
}

function isConstant(node) {
  return node.kind === "constant" || node.kind === "data";
}

function explanationText(place) {
  if (!app.selected) return "";
  if (place < 0) return severalText(place);
  const into = stepsInto[place - 1], node = nodeName(place);
  if (place === rootPlace) return `${node}: gradient 1`;
  if (!into.length) return isConstant(data.nodes[place - 1]) ? `${node} is a constant` : `nothing reaches ${node}: its gradient is 0`;
  const terms = into.slice(0, MOST_TERMS).map((index) => `${stepNumbers(index).taken ? general(stepNumbers(index).contribution, 4) : "nothing"} by ${nodeName(data.steps[index].node)}`);
  return `The gradient of ${node} is ${general(gradient(place) ?? 0, 4)}: ${terms.join(", plus ")}`;
}
