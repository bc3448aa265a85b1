// ---- to take away ---------------------------------------------------------------------------

function download(name, content, type) {
  const blob = content instanceof Blob ? content : new Blob([content], { type });
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  tell(`Saved ${name}.`);
}

function numberOfTree(branch, numbers) {
  return typeof branch === "number" ? numbers[data.weights[branch].place] : unpacked(branch.fixed);
}

function isNumberOfTree(branch) {
  return typeof branch === "number" || !Array.isArray(branch);
}

// A tree of weights as nested lists; write says how a number is written.
function listed(branch, numbers, write) {
  if (isNumberOfTree(branch)) return write(numberOfTree(branch, numbers));
  return `[${branch.map((each) => listed(each, numbers, write)).join(", ")}]`;
}

function stateDict(numbers, write) {
  return Object.entries(data.tree).map(([path, tree]) => [path, listed(tree, numbers, write)]);
}

function jsonNumber(number) {
  if (Number.isFinite(number)) return exactly(number);
  return JSON.stringify(Number.isNaN(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
}

// The weights as nn.load reads them.
function weightsFile() {
  const lines = stateDict(app.timeline.parameters, jsonNumber).map(([path, list]) => `  ${JSON.stringify(path)}: ${list}`);
  return `{\n "format": "autodiff weights",\n "version": 1,\n "weights": {\n${lines.join(",\n")}\n }\n}\n`;
}

function pythonNumber(number) {
  if (Number.isFinite(number)) return exactly(number);
  return `float("${general(number, 6)}")`;
}

function pythonText(text) {
  return JSON.stringify(text).replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

// Python that builds this network, and trains it to the same numbers.
function pythonCode() {
  const code = data.code;
  const start = stateDict(app.timeline.start, pythonNumber).map(([path, list]) => `    ${pythonText(path)}: ${list},`);
  const seeded = app.seed !== null && code.model;
  const lines = ["import nn", "", ...rowLines(app.timeline.firstRows), ""];
  lines.push(code.model ? `model = ${code.model}${seeded ? `, rng=${app.seed}` : ""})` : "model = ...  # a model of your own");
  if (!seeded) lines.push("model.load_state_dict({", ...start, "})");
  if (app.moment && data.updates.includes(null)) lines.push("# What the optimizer remembered at this start is not here.");
  const rate = pythonNumber(app.timeline.start[data.learningRate]);
  lines.push(code.optimizer ? `optimizer = ${code.optimizer}${rate})` : `optimizer = ...  # an optimizer of your own, lr=${rate}`);
  lines.push("", ...trainingLines());
  return `${lines.join("\n")}\n`;
}

function rowLines(numbers) {
  const x = [], y = [], split = data.inputs.length;
  for (let row = 0; row < data.rows.length; row += 1) {
    const each = Array.from(numbers.slice(row * width, (row + 1) * width), pythonNumber);
    x.push(`[${each.slice(0, split).join(", ")}]`);
    y.push(data.code.scalar ? each[split] : `[${each.slice(split).join(", ")}]`);
  }
  return [`x = [${x.join(", ")}]`, `y = [${y.join(", ")}]`];
}

function trainingLines() {
  const { edits, epoch } = app.timeline, lines = [];
  const penalty = data.code.penalty ? `, penalty=${data.code.penalty}` : "";
  const fit = (epochs) => `nn.fit(model, x, y, loss=${data.code.loss || "..."}, optimizer=optimizer, epochs=${epochs}${penalty})`;
  if (data.code.penalty) lines.push(`# ${data.code.penalty} is the penalty that this page was made with`);
  let done = 0;
  for (const edit of edits.filter((each) => each.epoch <= epoch)) {
    if (edit.epoch > done) lines.push(fit(edit.epoch - done));
    done = edit.epoch;
    lines.push(editLine(edit));
  }
  if (epoch > done || !lines.length) lines.push(fit(epoch - done));
  return lines;
}

function editLine({ kind, index, number }) {
  if (kind === "lr") return `optimizer.lr = ${pythonNumber(number)}`;
  if (kind === "w") return `optimizer.parameters[${index}].data = ${pythonNumber(number)}`;
  const row = Math.floor(index / width), at = index % width, split = data.inputs.length;
  if (at < split) return `x[${row}][${at}] = ${pythonNumber(number)}`;
  return `y[${row}]${data.code.scalar ? "" : `[${at - split}]`} = ${pythonNumber(number)}`;
}

function copyText(text, what, more = "") {
  const done = () => tell(`${what} copied. ${more}`.trim());
  const failed = () => tell(`Your browser does not let this page copy. Here it is: ${text}`);
  if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, failed);
  else failed();
}

function copyAddress() {
  writeAddress();
  const { lost } = addressOf(currentState());
  copyText(location.href, "The address is", lost);
}

function watchExports() {
  byId("open-export").addEventListener("click", openExport);
  byId("export-weights").addEventListener("click", () => download("weights.json", weightsFile(), "application/json"));
  byId("export-code").addEventListener("click", () => download("network.py", pythonCode(), "text/x-python"));
  byId("copy-code").addEventListener("click", () => copyText(byId("code").value, "The code is"));
  byId("copy-address").addEventListener("click", copyAddress);
}

function openExport() {
  pause();
  byId("code").value = pythonCode();
  listPanels();
  byId("export").showModal();
}
