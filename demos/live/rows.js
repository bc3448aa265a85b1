// ---- all rows, their mean, and the update -------------------------------------------------------

const ROWS_BESIDE = 8; // whose gradients stand side by side; of more, they are marks on one line
const SLICE = { points: 81, near: 4, seen: 0.04 };

let isWide = null; // whether a slice shows the whole valley or the step; null: what shows the arrow

// Of each row the loss and every weight's gradient, by the weights of now.
function gradientsOfRows() {
  const pass = new Pass();
  pass.values.set(app.pass.values);
  return data.rows.map((_, row) => {
    const numbers = rowNumbers(row);
    data.columns.forEach((place, column) => { if (place) pass.values[place - 1] = numbers[column]; });
    pass.forward().backward();
    return { loss: pass.values[rootPlace - 1], gradients: data.weights.map(({ node }) => (node ? gradientIn(pass, node) : 0)) };
  });
}

// What the page measures for other weights.
function measuredWith(parameters) {
  const { parameters: kept } = app.timeline;
  app.timeline.parameters = parameters;
  try {
    return app.timeline.measure();
  } finally {
    app.timeline.parameters = kept;
  }
}

// The loss over one weight, all others staying as they are.
function sliceAlong(index, from, to) {
  const { place } = data.weights[index], parameters = app.timeline.parameters.slice(), last = SLICE.points - 1;
  const xs = Array.from({ length: SLICE.points }, (_, k) => from + ((to - from) * k) / last);
  const lossAt = (number) => { parameters[place] = number; return measuredWith(parameters).loss; };
  return [xs, xs.map(lossAt), lossAt];
}

function updateLesson({ index }) {
  const weight = data.weights[index], called = weight.name, old = app.timeline.parameters[weight.place];
  const formula = data.updates[index], updated = app.measured.news[index], rows = gradientsOfRows().map((row) => row.gradients[index]);
  const words = element("div", { class: "lesson-text" },
    line(rows.length === 1 ? "row" : "rows", ...(rows.length <= ROWS_BESIDE ? rowChips(rows) : [rowMarks(rows, app.measured.means[index])])),
    line("mean", ...meanLine(rows, app.measured.means[index])),
    line("update", name(called), " ← ", formula ? withNumbers(formula, 6) : `what the optimizer makes of ${shown(old, 6)}, its gradient and its memory`),
    line("new", name(called), " = ", signedNumber(updated, 6), element("small", {}, ` was ${shown(old, 6)}`)),
    note(app.step + 1 === allSteps.length ? `“Update” changes all ${data.weights.length} weights at once: epoch ${counted(app.timeline.epoch + 1)}.` : ""));
  return [element("div", { class: "update" }, words, slicePlot(index, old, updated))];
}

// The gradients of few rows side by side: the one in the graph is marked.
function rowChips(rows) {
  return [element("span", { class: "row-chips" }, ...rows.map((amount, row) => element("span", { class: !app.probe && row === app.row ? "row-chip own" : "row-chip" }, element("small", {}, rowText(row)), signedNumber(amount, 3))))];
}

function rowMarks(rows, mean) {
  const most = Math.max(...rows.map(Math.abs), 1e-300), toX = (amount) => 180 + 170 * between(-1, amount / most, 1);
  const mark = (amount, kind, height) => svgElement("path", { class: kind, d: `M${toX(amount).toFixed(1)} ${22 - height}V${22 + height}` });
  const plot = svgElement("svg", { class: "row-marks", viewBox: "0 0 360 44", role: "img", "aria-label": `the gradients of ${rows.length} rows, from ${general(Math.min(...rows), 3)} to ${general(Math.max(...rows), 3)}` });
  plot.append(svgElement("path", { class: "axis", d: "M5 22H355M180 14V30" }), ...rows.map((amount) => mark(amount, amount < 0 ? "minus" : "plus", 11)), mark(mean, "mean", 20));
  return plot;
}

// The mean as a sum, and what a penalty adds to it.
function meanLine(rows, mean) {
  const own = rows.reduce((sum, amount) => sum + amount, 0) / rows.length, more = mean - own;
  const sum = rows.length <= ROWS_BESIDE ? `(${rows.map((amount, at) => (at ? operand(amount, 3) : shown(amount, 3))).join(" + ")}) / ${rows.length}` : `of ${rows.length} rows ${shown(own, 4)}`;
  const penalty = data.code.penalty && Math.abs(more) > 1e-12 * (Math.abs(own) + Math.abs(mean)) ? [" + ", number(operand(more)), element("small", {}, " of the penalty")] : [];
  return [sum, ...penalty, " = ", signedNumber(mean)];
}

// The loss along the weight, all others as they are, and the arrow from the old number to the new.
function slicePlot(index, old, updated) {
  const step = Math.abs(updated - old), wide = Math.max(1, Math.abs(old), 1.5 * step);
  const showsWide = isWide ?? (step === 0 || step > SLICE.seen * wide), half = showsWide || step === 0 ? wide : SLICE.near * step;
  const plot = svgElement("svg", { class: "slice", viewBox: `0 0 ${PLOT.width} ${PLOT.height}`, role: "img" });
  const [xs, ys, lossAt] = sliceAlong(index, old - half, old + half), called = data.weights[index].name;
  const after = lossAt(updated);
  plotCurve(plot, xs, ys, { x: old, y: app.measured.loss, slope: app.measured.means[index] }, { x: updated, y: after }, true);
  plot.setAttribute("aria-label", `the loss over ${called} from ${general(old - half, 4)} to ${general(old + half, 4)}, with an arrow from ${general(old, 6)}, loss ${general(app.measured.loss, 6)}, to ${general(updated, 6)}, loss ${general(after, 6)}`);
  const other = element("button", { type: "button", class: "slice-zoom", onclick: () => { isWide = !showsWide; refresh(); } }, showsWide ? "Show the step" : "Show the valley");
  return element("figure", { class: "slice-figure" }, plot, element("figcaption", {}, `loss along ${called}, ±${general(half, 2)}`, other));
}

// All weights and all rows: a table, which is what one epoch adds up.
function rowsLesson() {
  const rows = gradientsOfRows(), few = rows.length <= ROWS_BESIDE;
  const heads = ["weight", ...(few ? rows.map((_, row) => rowText(row)) : [`${rows.length} rows, from … to`]), "mean"];
  const body = data.weights.map((weight, index) => {
    const own = rows.map(({ gradients }) => gradients[index]);
    const cells = few ? own.map((amount) => signed(amount, 2)) : [`${signed(Math.min(...own), 2)} … ${signed(Math.max(...own), 2)}`];
    return element("tr", {}, element("th", { scope: "row" }, weight.name), ...cells.map((text) => element("td", {}, text)), element("td", { class: "mean" }, signedNumber(app.measured.means[index], 3)));
  });
  return [
    line("loss", few ? `(${rows.map(({ loss }) => shown(loss, 3)).join(" + ")}) / ${rows.length} = ` : `mean of ${rows.length} rows = `, signedNumber(app.measured.loss)),
    tableOfWeights("Gradients of all rows", heads, body),
  ];
}

function tableOfWeights(label, heads, rows) {
  const head = element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)));
  const table = element("table", { class: "named" }, element("thead", {}, head), element("tbody", {}, ...rows));
  table.style.setProperty("--columns", heads.length - 1);
  return element("div", { class: "all-rows", tabindex: "0", role: "region", "aria-label": label }, table);
}
