// ---- nudge a variable: what its gradient promised, and what happened ---------------------------

const PLOT = { width: 360, height: 190, edge: 12, points: 121 };

function indexOfVariable(place) {
  return data.variables.indexOf(place);
}

// How far a variable's slider reaches to both sides.
function reach(index) {
  return Math.max(1, Math.abs(start[index]));
}

function canNudge() {
  return canCompute && app.step === null && indexOfVariable(app.selected) >= 0;
}

function setVariable(index, number) {
  app.numbers[index] = number;
  forget(); // what was predicted was about other numbers
  refresh();
}

function withoutNudges() {
  app.numbers.set(start);
  forget();
  if (app.step === null) refresh();
  else showStep(app.step);
  say("The numbers are those of the program again.");
}

// The root's value with one variable at another number.
function rootAt(index, number) {
  const numbers = app.numbers.slice(), results = new Float64Array(eager.length);
  numbers[index] = number;
  program.trace([], numbers, results);
  return results[rootPlace - 1];
}

let nudged = -1; // the variable that the controls are for

function showNudge() {
  const area = byId("nudge"), can = canNudge();
  area.hidden = !can;
  byId("undo").hidden = app.numbers.every((number, index) => Object.is(number, start[index]));
  if (!can) return;
  const index = indexOfVariable(app.selected), label = nodeName(app.selected);
  const slider = byId("slider"), field = byId("number");
  if (nudged !== index) {
    nudged = index;
    const [low, high] = [start[index] - reach(index), start[index] + reach(index)];
    Object.assign(slider, { min: low, max: high, step: (high - low) / 400 });
    slider.setAttribute("aria-label", label);
    field.setAttribute("aria-label", `${label}, as a number`);
    setText(byId("nudge-name"), label);
  }
  if (document.activeElement !== slider) slider.value = app.numbers[index];
  if (document.activeElement !== field) field.value = exactly(app.numbers[index]);
  showPromise(index);
  plotNudge(index);
}

// The gradient at the start beside the quotient of the differences.
function showPromise(index) {
  const base = app.numbers.slice(), before = new Float64Array(eager.length);
  base[index] = start[index];
  program.trace([], base, before);
  const slope = gradientIn(before, app.selected);
  const change = app.numbers[index] - start[index], happened = value(rootPlace) - before[rootPlace - 1];
  const label = nodeName(app.selected);
  const lines = [line("gradient", fraction(rootName, label), " = ", signedNumber(slope), element("small", {}, ` at ${label} = ${shown(start[index], 6)}`))];
  if (change === 0) lines.push(note(`Drag ${label}: for a small change, ${rootName} changes by that gradient times the change.`));
  else {
    lines.push(
      line("promised", "Δ", name(rootName), " ≈ ", signedNumber(slope), " × ", number(operand(change)), " = ", signedNumber(slope * change)),
      line("happened", "Δ", name(rootName), " = ", signedNumber(happened), ", so Δ", name(rootName), " / Δ", name(label), " = ", signedNumber(happened / change)));
  }
  byId("promise").replaceChildren(...lines);
}

// A node's gradient in the numbers of some pass.
function gradientIn(traced, place) {
  const now = app.traced;
  app.traced = traced;
  const found = gradient(place) ?? 0;
  app.traced = now;
  return found;
}

// The true curve of the root over the variable, and the tangent that the gradient is the slope of.
function plotNudge(index) {
  const { width: across, height: down, edge, points } = PLOT, from = start[index] - reach(index), span = 2 * reach(index);
  const xs = Array.from({ length: points }, (_, k) => from + (span * k) / (points - 1));
  const ys = xs.map((x) => rootAt(index, x)), base = rootAt(index, start[index]);
  const others = new Float64Array(eager.length), numbers = app.numbers.slice();
  numbers[index] = start[index];
  program.trace([], numbers, others);
  const slope = gradientIn(others, app.selected);
  const finite = [...ys, base].filter(Number.isFinite);
  const low = Math.min(...finite), high = Math.max(...finite), room = (high - low || 1) * 0.08;
  const toX = (x) => edge + ((x - from) / span) * (across - 2 * edge);
  const toY = (y) => down - edge - ((y - low + room) / (high - low + 2 * room || 1)) * (down - 2 * edge);
  const path = xs.map((x, k) => (Number.isFinite(ys[k]) ? `${k && Number.isFinite(ys[k - 1]) ? "L" : "M"}${toX(x).toFixed(1)} ${toY(ys[k]).toFixed(1)}` : "")).join("");
  const tangent = [from, from + span].map((x) => `${toX(x).toFixed(1)} ${toY(base + slope * (x - start[index])).toFixed(1)}`);
  const plot = byId("plot");
  plot.replaceChildren(
    svgElement("rect", { class: "plot-frame", x: 1, y: 1, width: across - 2, height: down - 2, rx: 6 }),
    svgElement("path", { class: "plot-curve", d: path }),
    ...(Number.isFinite(base) && Number.isFinite(slope) ? [svgElement("path", { class: "plot-tangent", d: `M${tangent[0]}L${tangent[1]}` }), svgElement("circle", { class: "plot-start", cx: toX(start[index]), cy: toY(base), r: 5 })] : []),
    ...(Number.isFinite(value(rootPlace)) ? [svgElement("circle", { class: "plot-now", cx: toX(app.numbers[index]), cy: toY(value(rootPlace)), r: 7 })] : []));
  plot.setAttribute("aria-label", `${rootName} over ${nodeName(app.selected)}, from ${general(from, 4)} to ${general(from + span, 4)}: between ${general(low, 4)} and ${general(high, 4)}; the tangent has the slope ${general(slope, 4)}`);
}

function watchNudge() {
  byId("nudge-notes").replaceChildren(...data.notes.map(note));
  byId("nudge-notes").hidden = !data.notes.length;
  byId("slider").addEventListener("input", (event) => setVariable(indexOfVariable(app.selected), Number(event.target.value)));
  byId("number").addEventListener("change", (event) => {
    const number = numberFrom(event.target.value);
    if (number === null) tell("A variable needs a finite number.");
    else {
      tell("");
      event.target.blur();
      setVariable(indexOfVariable(app.selected), number);
    }
  });
  byId("undo").addEventListener("click", withoutNudges);
}
