// ---- predict, then reveal ---------------------------------------------------------------------

// A number that a person has told is right; or it follows from an earlier mistake, being right for
// the numbers that it builds on; or it is wrong.
const told = { values: new Map(), contributions: new Map(), marks: new Map() };

const MARKS = {
  right: ["✓", "right"],
  follows: ["→", "right for the numbers that it builds on: there is an earlier mistake"],
  wrong: ["✗", "wrong"],
  shown: ["…", "shown without an answer"],
};

// Rounded numbers are as good as the page's own, which shows four digits.
const CLOSE = 2e-3;

function isClose(one, other) {
  return Object.is(one, other) || Math.abs(one - other) <= CLOSE * Math.max(Math.abs(one), Math.abs(other)) + 1e-12;
}

function keyOf(step) {
  return step.phase === "backward" ? `b${step.index}` : `f${step.node}`;
}

function isAsked(step) {
  return app.isPredicting && (step.phase === "forward" || step.phase === "backward") && !told.marks.has(keyOf(step));
}

// What an operation gives for the numbers that a person has: the result, and for each operand the
// local derivative and whether it is taken.
function ruleAt(place) {
  const operands = data.nodes[place - 1].parents.map(toldValue);
  const results = new Float64Array(1 + 2 * operands.length);
  program[`rule${data.rules[place - 1]}`]([], Float64Array.from(operands), results);
  return results;
}

function toldValue(place) {
  return told.values.get(place) ?? value(place);
}

function toldContribution(index) {
  return told.contributions.get(index) ?? stepNumbers(index).contribution;
}

function toldGradient(place) {
  if (place === rootPlace) return 1;
  return stepsInto[place - 1].reduce((sum, index) => sum + (stepNumbers(index).taken ? toldContribution(index) : 0), 0);
}

function followed(step) {
  if (!canCompute) return NaN;
  if (step.phase === "forward") return ruleAt(step.node)[0];
  const { node, position } = data.steps[step.index], rule = ruleAt(node);
  return rule[2 + 2 * position] > 0 ? rule[1 + 2 * position] * toldGradient(node) : 0;
}

function rightNumber(step) {
  return step.phase === "forward" ? value(step.node) : stepNumbers(step.index).taken ? stepNumbers(step.index).contribution : 0;
}

function answer(step, text) {
  const number = numberFrom(text);
  if (number === null) return tell("A number, such as 0.25 or −1.5e−3.");
  tell("");
  const mark = isClose(number, rightNumber(step)) ? "right" : isClose(number, followed(step)) ? "follows" : "wrong";
  if (step.phase === "forward") told.values.set(step.node, mark === "right" ? value(step.node) : number);
  else told.contributions.set(step.index, mark === "right" ? rightNumber(step) : number);
  told.marks.set(keyOf(step), mark);
  showStep(app.step);
  const [sign, words] = MARKS[mark];
  say(`${sign} ${words}. ${stepText(step)}`);
  byId("next").focus({ preventScroll: true });
}

function reveal(step) {
  told.marks.set(keyOf(step), "shown");
  showStep(app.step);
  byId("next").focus({ preventScroll: true });
}

function forget() {
  for (const each of Object.values(told)) each.clear();
  asked = null;
}

function setPredicting(on) {
  app.isPredicting = on;
  forget();
  pause();
  if (app.step === null) enterSteps();
  else showStep(app.step);
}

// A presenter's clicker works in the field, too.
function clicked(event) {
  const by = { PageDown: 1, PageUp: -1 }[event.key];
  if (!by) return;
  event.preventDefault();
  stepBy(by);
}

// What is asked instead of a step's lesson.
function question(step) {
  const field = element("input", { id: "answer", inputmode: "decimal", autocomplete: "off", spellcheck: "false", size: 12, "aria-label": `your ${step.phase === "forward" ? "value" : "contribution"}`, onkeydown: clicked });
  const form = element("form", { class: "question", onsubmit: (event) => { event.preventDefault(); answer(step, field.value); } },
    field, element("button", { type: "submit", class: "primary" }, "Check"), element("button", { type: "button", onclick: () => reveal(step) }, "Show it"));
  if (step.phase === "forward") {
    const node = data.nodes[step.node - 1];
    return [line("value", name(node.name), ` = ${withNames(node.formula)} = ${withTold(node.formula)} = ?`), form];
  }
  const { node, parent, position, local } = data.steps[step.index], names = [nodeName(node), nodeName(parent)];
  return [
    line("chain rule", fraction(rootName, names[1]), " += ", fraction(rootName, names[0]), " × ", fraction(...names), " = ?"),
    line("since", name(names[0]), ` = ${withNames(data.nodes[node - 1].formula)}`, local && local.length > 1 ? element("span", {}, ", ", fraction(...names), ` = ${withNames(local)}`) : ""),
    line("upstream", fraction(rootName, names[0]), " = ", signedNumber(toldGradient(node))),
    ...(data.nodes[node - 1].parents.length > 2 ? [note(`It is operand ${position + 1} of ${names[0]}.`)] : []),
    form,
  ];
}

// The field is where one types as soon as a number is asked for; on a touch screen, when it is touched.
let asked = null;

function askOnce() {
  if (asked === app.step) return;
  asked = app.step;
  if (!window.matchMedia("(pointer: coarse)").matches) byId("answer").focus({ preventScroll: true });
}

function withTold(expression) {
  return withNumbers(expression, 4, (reference) => toldValue(Number(reference.slice(1))));
}

function verdict(step) {
  const mark = told.marks.get(keyOf(step));
  if (!mark) return [];
  const [sign, words] = MARKS[mark];
  const typed = step.phase === "forward" ? told.values.get(step.node) : told.contributions.get(step.index);
  const yours = mark === "shown" || mark === "right" ? "" : ` You said ${shown(typed, 6)}.`;
  return [element("p", { class: `verdict ${mark}` }, `${sign} ${words}.${yours}`)];
}

function score() {
  const marks = [...told.marks.values()];
  const count = (mark) => marks.filter((each) => each === mark).length;
  if (!app.isPredicting || !marks.length) return "";
  return `${count("right") + count("follows")} of ${marks.length}`;
}
