// ---- nudge a variable: what its gradient promised, and what happened ---------------------------

function indexOfVariable(place) {
  return data.variables.indexOf(place);
}

// The middle of a variable's slider: where it started, if that can be shown.
function centre(index) {
  return Number.isFinite(start[index]) ? start[index] : 0;
}

// How far it reaches to both sides, where a number that was typed has widened that.
const widest = new Map();

// What the slider and the plot reach from and to; a number that was typed widens them.
function limits(index) {
  const away = Math.abs(app.numbers[index] - centre(index)), reach = widest.get(index) ?? Math.max(1, Math.abs(centre(index)));
  const now = Number.isFinite(away) && away > reach ? 1.1 * away : reach;
  widest.set(index, now);
  return [centre(index) - now, centre(index) + now].map((end) => between(-Number.MAX_VALUE, end, Number.MAX_VALUE));
}

function canNudge() {
  return canCompute && app.step === null && !app.playing && indexOfVariable(app.selected) >= 0;
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

const STEEP = 0.2; // of the curve's height between two points, where it may have jumped
const HALVINGS = 40;

// A curve with a gap in it, a height that is no number, wherever it jumps.
function brokenAtJumps(index, [xs, ys]) {
  const finite = ys.filter(Number.isFinite), height = Math.max(...finite) / 2 - Math.min(...finite) / 2;
  const broken = [[], []];
  xs.forEach((x, k) => {
    const isSteep = k > 0 && Math.abs(ys[k] / 2 - ys[k - 1] / 2) > STEEP * height; // not where one is not finite
    const gap = isSteep && isJump(index, [xs[k - 1], x], [ys[k - 1], ys[k]]) ? [[xs[k - 1], NaN]] : [];
    for (const [at, to] of [...gap, [x, ys[k]]]) broken[0].push(at) && broken[1].push(to);
  });
  return broken;
}

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
  byId("nudge-notes").hidden = !can || !data.notes?.length;
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
  const plot = byId("plot"), [from, to] = limits(index);
  const { low, high } = plotCurve(plot, ...brokenAtJumps(index, curveOver(index, from, to)), { x: start[index], y: base, slope }, { x: app.numbers[index], y: value(rootPlace) });
  plot.setAttribute("aria-label", `${rootName} over ${nodeName(app.selected)}, from ${general(from, 4)} to ${general(to, 4)}: ${low <= high ? `between ${general(low, 4)} and ${general(high, 4)}` : "nowhere finite"}; the tangent has the slope ${general(slope, 4)}`);
}

function watchNudge() {
  byId("nudge-notes").replaceChildren(...(data.notes || []).map(note));
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
}
