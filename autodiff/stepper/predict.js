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

// Rounded numbers are as good as the page's own: 0 is only 0, or what underflows.
const CLOSE = 2e-3;

// Of the operands so many digits are shown, or more where their rounding would change the answer.
// Where that cannot be tried, there are enough for most.
const LEAST_DIGITS = 4, SURE_DIGITS = 12, MOST_DIGITS = 17;

function isClose(one, other, tolerance = CLOSE) {
  if (!Number.isFinite(one) || !Number.isFinite(other)) return Object.is(one, other);
  const size = Math.max(Math.abs(one), Math.abs(other));
  return Math.abs(one / 2 - other / 2) <= (tolerance * size) / 2 || Math.abs(one - other) <= Number.MIN_VALUE;
}

const NUMBER_WANTED = "A number, such as 0.25, 1/3 or −1.5e−3, inf or nan, without commas between thousands.";
const NUMBER_WORDS = { inf: Infinity, infinity: Infinity, "∞": Infinity, nan: NaN };

// What a person answers: a number, a fraction such as 1/3, inf or nan; null for anything else.
function answerFrom(text) {
  const cleaned = String(text).trim().replaceAll("−", "-").toLowerCase();
  const [, sign, word] = /^([+-]?)\s*(.*)$/.exec(cleaned) || [];
  if (Object.hasOwn(NUMBER_WORDS, word)) return sign === "-" ? -NUMBER_WORDS[word] : NUMBER_WORDS[word];
  const parts = cleaned.split("/").map((part) => numberFrom(part.trim().replace(/^([+-])\s+/, "$1")));
  if (parts.length > 2 || parts.includes(null) || parts[1] === 0) return null;
  return parts.length === 2 ? parts[0] / parts[1] : parts[0];
}

function keyOf(step) {
  return step.phase === "backward" ? `b${step.index}` : `f${step.node}`;
}

function isAsked(step) {
  return app.isPredicting && !step.fold && (step.phase === "forward" || step.phase === "backward") && !told.marks.has(keyOf(step));
}

// What an operation gives for the numbers that a person has, or for their first digits: the result,
// and for each operand the local derivative and whether it is taken.
function ruleAt(place, digits = 0) {
  const { made, parents } = data.nodes[place - 1];
  const operands = Float64Array.from(parents, (parent) => toDigits(toldValue(parent), digits));
  const found = { result: new Float64Array(1), rule: new Float64Array(2 * operands.length) };
  results[made]([], operands, found.result);
  rules[made]([], operands, found.rule);
  return { result: found.result[0], localAt: (position) => found.rule[2 * position], isTaken: (position) => found.rule[2 * position + 1] > 0 };
}

// What a closed fold gives was shown, so who goes on from there builds on the page's numbers.
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

// The number that a step gives for those that it builds on; null where that cannot be computed.
function followed(step, digits = 0) {
  if (!canCompute) return null;
  if (step.phase === "forward") return ruleAt(step.node, digits).result;
  const { node, position } = data.steps[step.index], rule = ruleAt(node, digits);
  return rule.isTaken(position) ? rule.localAt(position) * toDigits(toldGradient(node), digits) : 0;
}

function toDigits(number, digits) {
  return digits && Number.isFinite(number) ? Number(general(number, digits)) : number;
}

// How many digits of the numbers in a question its answer needs: where they cancel, all of them.
function digitsFor(step) {
  if (!canCompute) return SURE_DIGITS;
  const wanted = followed(step);
  for (let digits = LEAST_DIGITS; digits < MOST_DIGITS; digits += 1) {
    if (isClose(followed(step, digits), wanted, CLOSE / 2) && isEnoughOfResult(step, digits)) return digits;
  }
  return MOST_DIGITS;
}

// Whether a local derivative that is written with the result, as 1 - y², is known by these digits of
// it: it is where twice their error, as of a square, is small beside it.
function isEnoughOfResult(step, digits) {
  if (step.phase !== "backward") return true;
  const { node, position, local } = data.steps[step.index];
  if (!local || !local.some((part, index) => index % 2 && part === `v${node}`)) return true;
  const result = toldValue(node), error = 2 * Math.abs(result - toDigits(result, digits)) * Math.max(1, Math.abs(result));
  return !(error > (CLOSE / 2) * Math.abs(ruleAt(node).localAt(position)));
}

function rightNumber(step) {
  return step.phase === "forward" ? value(step.node) : stepNumbers(step.index).taken ? stepNumbers(step.index).contribution : 0;
}

function answer(step, text) {
  const number = answerFrom(text);
  if (number === null) {
    byId("answer").select(); // what is typed next takes its place
    return tell(NUMBER_WANTED);
  }
  tell("");
  const follows = followed(step);
  const mark = isClose(number, rightNumber(step)) ? "right" : follows !== null && isClose(number, follows) ? "follows" : "wrong";
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

function setPredictingByKey() {
  byId("predict").checked = !byId("predict").checked;
  setPredicting(byId("predict").checked);
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
  const field = element("input", { id: "answer", autocomplete: "off", spellcheck: "false", size: 12, "aria-label": `your ${step.phase === "forward" ? "value" : "contribution"}`, onkeydown: clicked });
  const form = element("form", { class: "question", onsubmit: (event) => { event.preventDefault(); answer(step, field.value); } },
    field, element("button", { type: "submit", class: "primary" }, "Check"), element("button", { type: "button", onclick: () => reveal(step) }, "Show it"));
  const digits = digitsFor(step);
  if (step.phase === "forward") {
    const node = data.nodes[step.node - 1];
    return [
      line("value", name(nodeName(step.node)), ` = ${withNames(node.formula)} = ${withTold(node.formula, digits)} = ?`),
      ...ownNumbers(new Set(node.parents)), form,
    ];
  }
  const { node, parent, position, local } = data.steps[step.index], names = [nodeName(node), nodeName(parent)];
  // The boxes of the graph have fewer digits.
  const needed = new Set([...data.nodes[node - 1].parents, ...(local || []).filter((_, index) => index % 2).map((reference) => Number(reference.slice(1)))]);
  const numbers = [...needed].map((place) => `${nodeName(place)} = ${shown(toldValue(place), digits)}`).join(", ");
  return [
    line("chain rule", fraction(rootName, names[1]), " += ", fraction(rootName, names[0]), " × ", fraction(...names), " = ?"),
    line("since", name(names[0]), ` = ${withNames(data.nodes[node - 1].formula)}`, local && local.length > 1 ? element("span", {}, ", ", fraction(...names), ` = ${withNames(local)}`) : ""),
    line("upstream", fraction(rootName, names[0]), " = ", signedNumber(toldGradient(node), digits)),
    ...(digits > LEAST_DIGITS ? [line("numbers", numbers)] : []),
    ...ownNumbers(needed, node),
    ...(data.nodes[node - 1].parents.length > 2 ? [note(`It is operand ${position + 1} of ${names[0]}.`)] : []),
    form,
  ];
}

// Which numbers of a question are a person's own: the picture has the right ones.
function ownNumbers(places, upstream = 0) {
  const values = [...places].filter((place) => !isClose(toldValue(place), value(place)));
  const own = values.map((place) => [name(nodeName(place)), ` = ${shown(toldValue(place), 6)}`, shown(value(place), 6)]);
  if (upstream && !isClose(toldGradient(upstream), gradient(upstream) ?? 0)) own.push([fraction(rootName, nodeName(upstream)), ` = ${shown(toldGradient(upstream), 6)}`, shown(gradient(upstream) ?? 0, 6)]);
  return own.map(([what, yours, right]) => element("p", { class: "note" }, "This goes on from your ", what, `${yours}. Who takes the right ${right} is right, too.`));
}

// The field is where one types as soon as a number is asked for; on a touch screen, when it is touched.
let asked = null;

function askOnce() {
  if (asked === app.step) return;
  asked = app.step;
  if (!window.matchMedia("(pointer: coarse)").matches) byId("answer").focus({ preventScroll: true });
}

function withTold(expression, digits) {
  return withNumbers(expression, digits, (reference) => toldValue(Number(reference.slice(1))));
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
