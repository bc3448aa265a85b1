// ---- nudge a variable: what its gradient promised, and what happened ---------------------------

const PLOT = { width: 360, height: 190, edge: 12, points: 121 };

function indexOfVariable(place) {
  return data.variables.indexOf(place);
}

// The middle of a variable's slider: where it started, if that can be shown.
function centre(index) {
  return Number.isFinite(start[index]) ? start[index] : 0;
}

// How far it reaches to both sides before a number was typed, and since.
const reach = start.map((_, index) => Math.max(1, Math.abs(centre(index))));
const widest = reach.slice();

// What the slider and the plot reach from and to; a number that was typed widens them.
function limits(index) {
  const away = Math.abs(app.numbers[index] - centre(index));
  if (Number.isFinite(app.numbers[index]) && away > widest[index]) widest[index] = 1.1 * away;
  return [centre(index) - widest[index], centre(index) + widest[index]].map((end) => between(-Number.MAX_VALUE, end, Number.MAX_VALUE));
}

// Where a number lies between two others, from 0 to 1; their difference may be beyond all numbers.
function shareOf(number, low, high) {
  return (number / 2 - low / 2) / (high / 2 - low / 2 || 1);
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
  byId("seed").value = "";
  widest.set(reach);
  forget();
  if (app.step === null) refresh();
  else showStep(app.step);
  say("The numbers are those of the program again.");
}

// The numbers of the pass with one variable at another number.
function passAt(index, number) {
  const numbers = app.numbers.slice();
  numbers[index] = number;
  return isSame(numbers, start) ? startPass : passWith(numbers);
}

// All that is computed from a variable.
function dependents(place) {
  const reached = new Set([place]);
  return data.nodes.filter((node) => node.parents.some((parent) => reached.has(parent)) && reached.add(node.place));
}

const CURVE_MS = 60; // what the curve may take while a number is dragged
let curveOf = { place: 0, nodes: [], points: 0 };

// The result over a variable, at some numbers of it; fewer of them where a pass takes long.
function curveOver(index, from, to) {
  const place = data.variables[index], pass = new Pass();
  if (curveOf.place !== place) curveOf = { place, nodes: dependents(place), points: PLOT.points };
  pass.values.set(app.pass.values);
  const last = curveOf.points - 1, started = performance.now();
  const xs = Array.from({ length: curveOf.points }, (_, k) => from * (1 - k / last) + to * (k / last));
  const ys = xs.map((x) => {
    pass.values[place - 1] = x;
    return pass.forward(curveOf.nodes).values[rootPlace - 1];
  });
  const took = performance.now() - started;
  if (took > CURVE_MS) curveOf.points = Math.max(9, Math.floor(curveOf.points * CURVE_MS / took));
  return [xs, ys];
}

const STEEP = 40; // units of the plot between two points, where a curve may have jumped
const HALVINGS = 40;

// Whether the result leaps between two numbers of a variable, however near they come to each other.
function isJump(index, [left, right], [below, above]) {
  const place = data.variables[index], pass = new Pass(), leap = Math.abs(above / 2 - below / 2);
  pass.values.set(app.pass.values);
  for (let nth = 0; nth < HALVINGS && left < right; nth += 1) {
    const middle = left / 2 + right / 2;
    if (middle === left || middle === right) break;
    pass.values[place - 1] = middle;
    const height = pass.forward(curveOf.nodes).values[rootPlace - 1];
    if (!Number.isFinite(height)) return true;
    if (Math.abs(height - below) > Math.abs(above - height)) [right, above] = [middle, height];
    else [left, below] = [middle, height];
  }
  return Math.abs(above / 2 - below / 2) > leap / 2;
}

let nudged = ""; // the variable that the controls are for, and from where to where

function showNudge() {
  const area = byId("nudge"), can = canNudge();
  area.hidden = !can;
  byId("nudge-notes").hidden = !can || !data.notes.length;
  byId("undo").hidden = isSame(app.numbers, start);
  if (!can) return;
  const index = indexOfVariable(app.selected), label = nodeName(app.selected);
  const slider = byId("slider"), field = byId("number");
  const [low, high] = limits(index), now = [index, low, high].join(" ");
  if (nudged !== now) {
    nudged = now;
    Object.assign(slider, { min: low, max: high, step: high / 400 - low / 400 });
    slider.setAttribute("aria-label", label);
    field.setAttribute("aria-label", `${label}, as a number`);
    setText(byId("nudge-name"), label);
  }
  if (document.activeElement !== slider) slider.value = app.numbers[index];
  if (document.activeElement !== field) field.value = Number.isFinite(app.numbers[index]) ? exactly(app.numbers[index]) : general(app.numbers[index], 4);
  const before = passAt(index, start[index]), base = before.values[rootPlace - 1];
  const slope = gradientIn(before, app.selected);
  showPromise(index, base, slope);
  plotNudge(index, base, slope);
}

// The gradient at the start beside the quotient of the differences.
function showPromise(index, base, slope) {
  const change = app.numbers[index] - start[index], happened = value(rootPlace) - base;
  const label = nodeName(app.selected);
  if (!Number.isFinite(start[index])) return byId("promise").replaceChildren(note(`${label} began at ${shown(start[index])}, where no gradient promises anything: ${rootName} is ${shown(value(rootPlace), 6)} now.`));
  const lines = [line("gradient", fraction(rootName, label), " = ", signedNumber(slope), element("small", {}, ` at ${label} = ${shown(start[index], 6)}`))];
  const unpromised = !Number.isFinite(base) ? `${rootName} began at ${shown(base)}` : !Number.isFinite(slope) ? `the gradient began at ${shown(slope)}` : "";
  if (unpromised) lines.push(note(`Nothing can be promised: ${unpromised}. ${rootName} is ${shown(value(rootPlace), 6)} at ${label} = ${shown(app.numbers[index], 6)}.`));
  else if (change === 0) lines.push(note(`Drag ${label}: for a small change, ${rootName} changes by that gradient times the change.`));
  else {
    lines.push(
      line("promised", "Δ", name(rootName), " ≈ ", signedNumber(slope), " × ", number(operand(change)), " = ", signedNumber(slope * change)),
      line("happened", "Δ", name(rootName), " = ", signedNumber(happened), ", so Δ", name(rootName), " / Δ", name(label), " = ", signedNumber(happened / change)));
  }
  return byId("promise").replaceChildren(...lines);
}

// A node's gradient in the numbers of some pass.
function gradientIn(pass, place) {
  const now = app.pass;
  app.pass = pass;
  const found = gradient(place) ?? 0;
  app.pass = now;
  return found;
}

// The true curve of the root over the variable, and the tangent that the gradient is the slope of.
function plotNudge(index, base, slope) {
  const { width: across, height: down, edge } = PLOT, [from, to] = limits(index);
  const [xs, ys] = curveOver(index, from, to);
  const finite = [...ys, base, value(rootPlace)].filter(Number.isFinite);
  const low = Math.min(...finite), high = Math.max(...finite), room = 0.07;
  const toX = (x) => edge + shareOf(x, from, to) * (across - 2 * edge);
  const toY = (y) => down - edge - (room + (1 - 2 * room) * between(-100, low < high ? shareOf(y, low, high) : 0.5 + Math.sign(y - low) * Math.min(0.5, Math.abs(y - low)), 100)) * (down - 2 * edge);
  const isJoined = (k) => k > 0 && Number.isFinite(ys[k - 1]) && !(Math.abs(toY(ys[k]) - toY(ys[k - 1])) > STEEP && isJump(index, xs.slice(k - 1, k + 1), ys.slice(k - 1, k + 1)));
  const path = xs.map((x, k) => (Number.isFinite(ys[k]) ? `${isJoined(k) ? "L" : "M"}${toX(x).toFixed(1)} ${toY(ys[k]).toFixed(1)}` : "")).join("");
  const tangent = [from, to].map((x) => `${toX(x).toFixed(1)} ${toY(base + slope * (x - start[index])).toFixed(1)}`);
  const isTangent = [start[index], base, slope, slope * (from - start[index]), slope * (to - start[index])].every(Number.isFinite);
  const plot = byId("plot");
  plot.replaceChildren(
    svgElement("rect", { class: "plot-frame", x: 1, y: 1, width: across - 2, height: down - 2, rx: 6 }),
    svgElement("path", { class: "plot-curve", d: path }),
    ...(isTangent ? [svgElement("path", { class: "plot-tangent", d: `M${tangent[0]}L${tangent[1]}` }), svgElement("circle", { class: "plot-start", cx: toX(start[index]), cy: toY(base), r: 5 })] : []),
    ...(Number.isFinite(value(rootPlace)) && Number.isFinite(app.numbers[index]) ? [svgElement("circle", { class: "plot-now", cx: toX(app.numbers[index]), cy: toY(value(rootPlace)), r: 7 })] : []));
  plot.setAttribute("aria-label", `${rootName} over ${nodeName(app.selected)}, from ${general(from, 4)} to ${general(to, 4)}: ${finite.length ? `between ${general(low, 4)} and ${general(high, 4)}` : "nowhere finite"}; the tangent has the slope ${general(slope, 4)}`);
}

function watchNudge() {
  byId("nudge-notes").replaceChildren(...data.notes.map(note));
  byId("slider").addEventListener("input", (event) => setVariable(indexOfVariable(app.selected), Number(event.target.value)));
  byId("number").addEventListener("change", (event) => {
    const number = answerFrom(event.target.value);
    if (!Number.isFinite(number)) tell(number === null ? NUMBER_WANTED : "A variable needs a finite number.");
    else {
      tell("");
      event.target.blur();
      setVariable(indexOfVariable(app.selected), number);
    }
  });
  byId("undo").addEventListener("click", withoutNudges);
}
