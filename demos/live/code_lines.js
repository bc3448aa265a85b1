// ---- the lines of Python for the steps, and the whole program ----------------------------------------

const PYTHON_NAME = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*|\[\d+\])*$/;
const PYTHON_WORDS = new Set("False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield epoch rows row lr parameters optimizer nn math Value".split(" "));

// The name of a node in a program: its own, where Python can have it.
function codeName(place) {
  const node = data.nodes[place - 1], own = node.name;
  if (node.isConstant && !data.columns.includes(place)) return pythonNumber(eager[place - 1]);
  return PYTHON_NAME.test(own) && !PYTHON_WORDS.has(own.split(/[.[]/)[0]) && isOnly(place, own) ? own : `v${place}`;
}

function isOnly(place, own) {
  return data.nodes.findIndex((node) => node.name === own) === place - 1;
}

// The number of a node, which is a Value's data.
function codeNumber(place) {
  return isNumberInCode(place) ? codeName(place) : `${codeName(place)}.data`;
}

function codeOf(expression, nameOf) {
  return expression.map((part, index) => (index % 2 ? nameOf(Number(part.slice(1))) : part)).join("");
}

function forwardCode(place) {
  return `${codeName(place)} = ${codeOf(data.nodes[place - 1].formula, codeName)}`;
}

function startCode() {
  return `${codeName(rootPlace)}.grad = 1.0`;
}

// Inputs and targets are given as numbers, and so is what is computed from them alone.
const numbersInCode = new Set(data.columns);
for (const node of data.nodes) {
  if (node.isConstant || (node.formula && node.parents.every((parent) => numbersInCode.has(parent)))) numbersInCode.add(node.place);
}

function isNumberInCode(place) {
  return numbersInCode.has(place);
}

// Whether a local derivative is written without numbers that were rounded.
function isWhole(local) {
  return local && !local.some((part, at) => at % 2 === 0 && /\d\.\d{5}/.test(part));
}

// One contribution; inputs and targets get none.
function backwardCode(index) {
  const { node, parent, local, position } = data.steps[index], upstream = `${codeName(node)}.grad`;
  if (isNumberInCode(parent)) return `# ${codeName(parent)} is given: it needs no gradient`;
  const times = isWhole(local) ? codeOf(local, codeNumber) : `local_derivatives(${codeName(node)})[${position}]`;
  const factor = times === "1" ? "" : times === "-1" ? " * -1" : / [+-] /.test(times) && !/^\w+\(.*\)$/.test(times) ? ` * (${times})` : ` * ${times}`;
  return `${codeName(parent)}.grad += ${upstream}${factor}`;
}

function backwardCodes(isOf) {
  return data.steps.flatMap(({ node, parent }, index) => (isOf(node) && !isNumberInCode(parent) ? [backwardCode(index)] : []));
}

function updateCode(index) {
  const formula = data.updates[index], weight = weightCode(index);
  if (!formula) return "optimizer.step()";
  const nameOf = (reference) => (reference === "lr" ? "lr" : reference[0] === "g" ? `${weightCode(Number(reference.slice(1)))}.grad` : `${weightCode(Number(reference.slice(1)))}.data`);
  return `${weight}.data = ${formula.map((part, at) => (at % 2 ? nameOf(part) : part)).join("")}`;
}

function weightCode(index) {
  const { node, name: own } = data.weights[index];
  return node ? codeName(node) : PYTHON_NAME.test(own) ? own : `w${index}`;
}

function meanCode() {
  return [`for parameter in parameters:`, `    parameter.grad /= ${data.rows.length}`];
}

// The lines of the step that is shown.
function codeOfStep(step) {
  if (step.code) return step.code();
  if (step.phase === "forward") return [forwardCode(step.node)];
  if (step.phase === "start") return [startCode()];
  if (step.phase === "backward") return [backwardCode(step.index)];
  return [updateCode(step.index)];
}

// ---- the whole program: the pass written out, without backward()

// A penalty and an optimizer that only the user has can't be written.
function hasProgram() {
  return !data.code.penalty && (data.updates.every(Boolean) || data.code.optimizer !== "");
}

function wholeProgram() {
  const { optimizer } = data.code, byFormula = data.updates.every(Boolean);
  const forward = data.nodes.filter((node) => node.formula), indent = (line) => `        ${line}`;
  const functions = [...new Set(forward.flatMap(({ formula }) => [...formula.filter((_, at) => at % 2 === 0).join(" ").matchAll(/\b([a-z_]+)\(/g)].map((found) => found[1])))];
  const inLocals = data.steps.flatMap(({ local }) => (isWhole(local) ? [...local.filter((_, at) => at % 2 === 0).join(" ").matchAll(/\b([a-z_]+)\(/g)].map((found) => found[1]) : []));
  const imported = [...new Set(["Value", ...functions, ...inLocals])].filter((each) => each !== "abs").sort();
  const columns = data.columns.map((place, at) => (place ? codeName(place) : `unused${at}`));
  const groups = grouped(columns), names = groups.map(({ base }) => base), lists = grouped(forward.map(({ place }) => codeName(place))).filter(({ isList }) => isList);
  const rowCode = (row) => {
    const numbers = Array.from(rowNumbers(row), pythonNumber), parts = groups.map(({ isList, at }) => (isList ? `[${at.map((each) => numbers[each]).join(", ")}]` : numbers[at[0]]));
    return `(${parts.join(", ")}${parts.length === 1 ? "," : ""})`;
  };
  return [
    hasModules() ? "from types import SimpleNamespace" : "",
    "",
    byFormula ? "" : "import nn",
    `from autodiff import ${imported.join(", ")}`,
    data.steps.some(({ local, parent }) => !isWhole(local) && !isNumberInCode(parent)) ? "from autodiff.ops import local_derivatives" : "",
    "",
    ...weightLines(),
    `parameters = [${data.weights.map((_, index) => weightCode(index)).join(", ")}]`,
    byFormula ? `lr = ${pythonNumber(app.timeline.parameters[data.learningRate])}` : `optimizer = ${optimizer.replace("model.parameters()", "parameters")}${pythonNumber(app.timeline.parameters[data.learningRate])})`,
    `rows = [${data.rows.map((_, row) => rowCode(row)).join(", ")}]`,
    ...lists.map(({ base, count }) => `${base} = [None] * ${count}`),
    "",
    "for epoch in range(1000):",
    "    for parameter in parameters:",
    "        parameter.grad = 0.0",
    `    for ${names.join(", ")}${names.length === 1 ? "," : ""} in rows:`,
    "        # forward",
    ...forward.map(({ place }) => indent(forwardCode(place))),
    "        # backward",
    indent(startCode()),
    ...backwardCodes(() => true).map(indent),
    "    # the mean of all rows, and the update",
    ...meanCode().map((line) => `    ${line}`),
    ...(byFormula ? data.weights.map((_, index) => `    ${updateCode(index)}`) : ["    optimizer.step()"]),
  ].filter((line, at, all) => line !== "" || (at > 0 && all[at - 1] !== "")).join("\n").trimEnd() + "\n";
}

// Names in order, those of a list's items together: {base, isList, at: their places, count}.
function grouped(names) {
  const found = new Map();
  names.forEach((each, at) => {
    const item = /^(\w+)\[(\d+)\]$/.exec(each), base = item ? item[1] : each;
    if (!found.has(base)) found.set(base, { base, isList: Boolean(item), at: [], count: 0 });
    const group = found.get(base);
    group.at.push(at);
    group.count = Math.max(group.count, item ? Number(item[2]) + 1 : 0);
  });
  return [...found.values()];
}

// The weights by their names: modules as namespaces, lists as lists.
function weightLines() {
  const names = data.weights.map((_, index) => weightCode(index)), modules = new Map(), lines = [];
  const numberOf = (index) => `Value(${pythonNumber(app.timeline.parameters[data.weights[index].place])})`;
  const isTree = names.every((each, index) => each === data.weights[index].name) && Object.keys(data.tree).every((path) => /^\w+(\.\w+)?$/.test(path));
  if (!isTree) return names.map((each, index) => (/^\w+$/.test(each) ? `${each} = ${numberOf(index)}` : `# ${each}`));
  const made = (branch) => (typeof branch === "number" ? numberOf(branch) : Array.isArray(branch) ? `[${branch.map(made).join(", ")}]` : pythonNumber(unpacked(branch.fixed)));
  for (const [path, tree] of Object.entries(data.tree)) {
    const [module, rest] = path.split(".");
    if (rest === undefined) lines.push(`${module} = ${made(tree)}`);
    else modules.set(module, [...(modules.get(module) || []), `${rest}=${made(tree)}`]);
  }
  for (const [module, parts] of modules) lines.push(`${module} = SimpleNamespace(${parts.join(", ")})`);
  return lines;
}

function hasModules() {
  return weightLines().some((each) => each.includes(" = SimpleNamespace("));
}

// ---- in the lesson

const MOST_CODE = 12; // lines of a layer that are shown

function showCodeOfStep() {
  const area = byId("code-area"), step = app.step === null ? null : allSteps[app.step];
  area.hidden = step === null || app.isAsking;
  if (area.hidden) return;
  const lines = codeOfStep(step), text = [...lines.slice(0, MOST_CODE), ...(lines.length > MOST_CODE ? [`# … and ${lines.length - MOST_CODE} more lines`] : [])].join("\n");
  if (byId("lines").textContent === text) return;
  byId("lines").replaceChildren(...text.split("\n").map((each) => element("div", { class: "code-line" }, element("code", {}, `${each}\n`))));
}

function openProgram() {
  pause();
  byId("program-text").value = wholeProgram();
  byId("program").showModal();
}

function watchProgram() {
  byId("whole-program").hidden = !hasProgram();
  byId("copy-program").addEventListener("click", () => copyText(byId("program-text").value, "The program is"));
}
