// ---- the decision boundary ------------------------------------------------------------------

const plane = byId("plane");
const CELLS = 56;
const REACH = 18; // a pointer this near a point, in pixels, takes hold of it
const HOLD_MS = 350; // a finger that rests so long
const SHADES = 255;
const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

const shown2d = { points: null, grid: null }; // the plane's points as rows; what the network makes of them
const field = { canvas: element("canvas", { width: CELLS + 1, height: CELLS + 1 }), palette: null, image: null };
const cross = { x: 0, y: 0, visible: false };
let held = null;

// Every output and neuron over the plane: one list of numbers for each, bottom row first.
function computeField() {
  shown2d.points = shown2d.points || gridOf(data.domain);
  shown2d.grid = training.respond((CELLS + 1) ** 2, shown2d.points, app.timeline.parameters);
}

function gridOf([left, right, bottom, top]) {
  const side = CELLS + 1, points = new Float64Array(side * side * width);
  for (let j = 0; j < side; j += 1) {
    for (let i = 0; i < side; i += 1) {
      points[(j * side + i) * width] = left + ((right - left) * i) / CELLS;
      points[(j * side + i) * width + 1] = bottom + ((top - bottom) * j) / CELLS;
    }
  }
  return points;
}

function predictions(row) {
  const found = training.respond(1, rowNumbers(row), app.timeline.parameters);
  return found.slice(0, data.outputs.length).map(([number]) => number);
}

// Whether a row's prediction is on its target's side; null where the data have no classes.
function isRight(row) {
  return data.classes.length ? isOnItsSide(predictions(row), rowNumbers(row).slice(data.inputs.length)) : null;
}

function isOnItsSide(found, wanted) {
  if (wanted.length > 1) return wanted[found.indexOf(Math.max(...found))] === Math.max(...wanted);
  return found[0] > data.scale.threshold === wanted[0] > middleOfTargets();
}

function middleOfTargets() {
  return (data.classes[0][0] + data.classes[data.classes.length - 1][0]) / 2;
}

// How many of the rows are on their right side; the outputs of the first are at that place.
function rightRows(outputs, rows, rowCount, first = 0) {
  let count = 0;
  for (let row = 0; row < rowCount; row += 1) {
    const found = data.outputs.map((_, at) => outputs[at][first + row]);
    if (isOnItsSide(found, rows.slice(row * width + data.inputs.length, (row + 1) * width))) count += 1;
  }
  return count;
}

// The colours from low to high, each as the four bytes of a pixel.
function palette() {
  const [low, mid, high] = [colour("minus-field"), colour("middle"), colour("plus-field")];
  const bytes = new Uint8ClampedArray(4 * (SHADES + 1));
  for (let shade = 0; shade <= SHADES; shade += 1) {
    const part = shade / SHADES, from = part < 0.5 ? low : mid, to = part < 0.5 ? mid : high;
    const inner = part < 0.5 ? 2 * part : 2 * part - 1;
    bytes.set([...from.map((channel, i) => channel + (to[i] - channel) * inner), 255], 4 * shade);
  }
  return new Uint32Array(bytes.buffer);
}

function rangeOf(index) {
  if (index < data.outputs.length) return [data.scale.low, data.scale.high];
  const range = data.neurons[index - data.outputs.length].range;
  if (range) return range;
  let most = 0;
  for (const number of shown2d.grid[index]) if (Math.abs(number) > most) most = Math.abs(number);
  return [-(most || 1), most || 1];
}

// One list of numbers as a small picture, one pixel a point; nan looks like the lowest.
function paintField(canvas, numbers, [low, high]) {
  const side = CELLS + 1, context = canvas.getContext("2d"), scale = SHADES / (high - low);
  field.image = field.image || context.createImageData(side, side);
  const pixels = new Uint32Array(field.image.data.buffer);
  for (let j = 0; j < side; j += 1) {
    for (let i = 0; i < side; i += 1) {
      const shade = Math.max(0, Math.min(SHADES, (numbers[j * side + i] - low) * scale));
      pixels[(CELLS - j) * side + i] = field.palette[Math.round(shade) || 0];
    }
  }
  context.putImageData(field.image, 0, 0);
}

function pointOf(row) {
  return rowNumbers(row).subarray(0, 2);
}

function planeArea(across, down) {
  const side = Math.max(40, Math.min(across - 44, down - 38)), left = 34 + (across - 44 - side) / 2;
  return { left, top: 8, right: left + side, bottom: 8 + side };
}

function toScreen(x, y, area) {
  const [left, right, bottom, top] = data.domain;
  return [
    area.left + ((x - left) / (right - left)) * (area.right - area.left),
    area.bottom - ((y - bottom) / (top - bottom)) * (area.bottom - area.top),
  ];
}

function toPlane(event) {
  const box = plane.getBoundingClientRect(), area = planeArea(box.width, box.height);
  const [left, right, bottom, top] = data.domain;
  const across = (event.clientX - box.left - area.left) / (area.right - area.left);
  const up = (area.bottom - (event.clientY - box.top)) / (area.bottom - area.top);
  return [left + across * (right - left), bottom + up * (top - bottom)];
}

function showPlane() {
  if (!data.domain) return;
  computeField();
  field.palette = field.palette || palette();
  const { context, across, down } = fitted(plane);
  drawPlane(context, across, down);
}

function drawPlane(context, across, down) {
  const area = planeArea(across, down);
  const [w, h] = [area.right - area.left, area.bottom - area.top];
  context.clearRect(0, 0, across, down);
  paintField(field.canvas, shown2d.grid[app.output], rangeOf(app.output));
  context.imageSmoothingEnabled = true;
  // Pixel centres are the grid's points: the outermost half pixels stay outside.
  context.drawImage(field.canvas, 0.5, 0.5, CELLS, CELLS, area.left, area.top, w, h);
  drawComparedContour(context, area);
  drawContour(context, area, shown2d.grid[app.output], levelShown());
  drawAxes(context, area);
  for (let row = 0; row < data.rows.length; row += 1) drawRow(context, area, row);
  if (app.probe) drawProbe(context, area);
  if (cross.visible) drawCross(context, area, ...toScreen(cross.x, cross.y, area));
}

// The line where the output is the threshold, cell by cell (marching squares).
function levelShown() {
  const [low, high] = rangeOf(app.output);
  return app.output < data.outputs.length ? data.scale.threshold : (low + high) / 2;
}

function drawContour(context, area, numbers, level, isDashed = false) {
  const side = CELLS + 1;
  const [left, right, bottom, top] = data.domain;
  const isAbove = (i, j) => numbers[j * side + i] > level;
  context.beginPath();
  for (let j = 0; j < CELLS; j += 1) {
    for (let i = 0; i < CELLS; i += 1) {
      const above = isAbove(i, j); // most cells have no line
      if (isAbove(i + 1, j) === above && isAbove(i + 1, j + 1) === above && isAbove(i, j + 1) === above) continue;
      if (isDashed && (i + j) % 4 > 1) continue;
      const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]];
      const crossings = [];
      for (let edge = 0; edge < 4; edge += 1) {
        const [a, b] = [corners[edge], corners[(edge + 1) % 4]];
        const [from, to] = [numbers[a[1] * side + a[0]] - level, numbers[b[1] * side + b[0]] - level];
        if (from > 0 === to > 0) continue;
        const part = from / (from - to);
        const x = left + ((right - left) * (a[0] + part * (b[0] - a[0]))) / CELLS;
        const y = bottom + ((top - bottom) * (a[1] + part * (b[1] - a[1]))) / CELLS;
        crossings.push(toScreen(x, y, area));
      }
      for (let k = 0; k + 1 < crossings.length; k += 2) {
        context.moveTo(...crossings[k]);
        context.lineTo(...crossings[k + 1]);
      }
    }
  }
  context.strokeStyle = css(colour("ink"));
  context.lineWidth = 2.5;
  context.stroke();
}

function drawAxes(context, area) {
  const [left, right, bottom, top] = data.domain;
  context.strokeStyle = css(colour("line"));
  context.lineWidth = 1;
  context.strokeRect(area.left, area.top, area.right - area.left, area.bottom - area.top);
  context.fillStyle = css(colour("soft"));
  context.font = "13px system-ui, sans-serif";
  const [first, last] = [Math.ceil(Math.min(left, bottom)), Math.floor(Math.max(right, top))];
  const stride = Math.max(1, Math.ceil((last - first) / 6));
  for (let at = first; at <= last; at += stride) {
    const tick = at + 0; // no -0
    context.textAlign = "center";
    if (tick > left && tick < right) context.fillText(shown(tick), toScreen(tick, bottom, area)[0], area.bottom + 17);
    context.textAlign = "right";
    if (tick > bottom && tick < top) context.fillText(shown(tick), area.left - 7, toScreen(left, tick, area)[1] + 4);
  }
  context.font = "italic 14px system-ui, sans-serif";
  context.textAlign = "right";
  context.fillText(cut(data.inputs[0], 12), area.right, area.bottom + 19);
  context.fillText(cut(data.inputs[1], 4), area.left - 7, area.top + 13, area.left - 8);
}

// A name that is too long for its place, with a sign of that.
function cut(name, most) {
  return name.length > most ? `${name.slice(0, most - 1)}…` : name;
}

function isHigh(row) {
  const wanted = rowNumbers(row).slice(data.inputs.length);
  if (wanted.length > 1) return wanted.indexOf(Math.max(...wanted)) === Math.min(app.output, data.outputs.length - 1);
  return wanted[0] > (data.classes.length ? middleOfTargets() : data.scale.threshold);
}

function drawRow(context, area, row) {
  const [x, y] = toScreen(...pointOf(row), area), many = data.rows.length > 12;
  const chosen = !app.probe && row === app.row, isHeld = held?.isTaken && held.row === row && held.timer > 0;
  const size = (many ? 5.5 : 11) + (isHeld ? 8 : chosen ? 2 : 0);
  const high = isHigh(row), wrong = isRight(row) === false;
  drawMark(context, x, y, high, size, many ? 1.5 : 3);
  if (chosen) {
    context.beginPath();
    context.arc(x, y, size + (many ? 5 : 7), 0, 2 * Math.PI);
    context.lineWidth = 3;
    context.strokeStyle = css(colour("ink"));
    context.stroke();
  }
  if (wrong) {
    const half = many ? 3 : 5;
    context.beginPath();
    context.moveTo(x - half, y - half);
    context.lineTo(x + half, y + half);
    context.moveTo(x + half, y - half);
    context.lineTo(x - half, y + half);
    context.lineWidth = many ? 1.8 : 3;
    context.strokeStyle = css(colour("point-edge"));
    context.stroke();
  }
}

// A square for a high target, a circle for a low one.
function drawMark(context, x, y, isHigh, size, edge) {
  context.beginPath();
  if (isHigh) context.rect(x - size * 0.88, y - size * 0.88, size * 1.76, size * 1.76);
  else context.arc(x, y, size, 0, 2 * Math.PI);
  context.fillStyle = css(colour(isHigh ? "plus" : "minus"));
  context.fill();
  context.lineWidth = edge;
  context.strokeStyle = css(colour("point-edge"));
  context.stroke();
}

function drawProbe(context, area) {
  const [x, y] = toScreen(app.probe[0], app.probe[1], area);
  context.beginPath();
  context.moveTo(x, y - 11);
  context.lineTo(x + 11, y);
  context.lineTo(x, y + 11);
  context.lineTo(x - 11, y);
  context.closePath();
  context.fillStyle = css(colour("lit"));
  context.fill();
  context.lineWidth = 3;
  context.strokeStyle = css(colour("ink"));
  context.stroke();
}

function drawCross(context, area, x, y) {
  context.beginPath();
  context.moveTo(x, area.top);
  context.lineTo(x, area.bottom);
  context.moveTo(area.left, y);
  context.lineTo(area.right, y);
  context.setLineDash([5, 4]);
  context.lineWidth = 1.5;
  context.strokeStyle = css(colour("ink"), 0.75);
  context.stroke();
  context.setLineDash([]);
}

// ---- what each neuron sees

function makeNeurons() {
  if (hasNetwork() || (data.outputs.length === 1 && !data.neurons.length)) return byId("neurons").remove();
  const names = [...data.outputs.map((place) => nodeName(place)), ...data.neurons.map((neuron) => neuron.name)];
  names.forEach((name, index) => {
    const canvas = element("canvas", { width: CELLS + 1, height: CELLS + 1, "aria-hidden": "true" });
    const button = element("button", { type: "button", "aria-pressed": "false", title: `show ${name} above`, onclick: () => showOutput(index) }, canvas, element("span", {}, name));
    byId("neurons").append(button);
  });
}

function showNeurons() {
  if (!data.domain) return;
  const buttons = byId("neurons") ? byId("neurons").children : [];
  for (let index = 0; index < buttons.length; index += 1) {
    const pressed = String(index === app.output);
    if (buttons[index].getAttribute("aria-pressed") !== pressed) buttons[index].setAttribute("aria-pressed", pressed);
    paintField(buttons[index].firstChild, shown2d.grid[index], rangeOf(index));
  }
}

function showOutput(index) {
  app.output = index;
  const name = index < data.outputs.length ? nodeName(data.outputs[index]) : data.neurons[index - data.outputs.length].name;
  setText(byId("plane-title"), index < data.outputs.length && data.outputs.length === 1 ? "Decision boundary" : `What ${name} sees`);
  refresh();
}

function describePlane() {
  const rights = data.rows.map((_, row) => isRight(row)), right = rights.filter(Boolean).length;
  const classes = rights[0] === null ? "" : ` ${right} of ${data.rows.length} rows are on the right side.`;
  plane.setAttribute("aria-label", `Decision boundary.${classes}`);
}

// ---- pointing at it

function nearestRow(x, y, reach) {
  const box = plane.getBoundingClientRect(), area = planeArea(box.width, box.height);
  let best = null, least = reach;
  for (let row = 0; row < data.rows.length; row += 1) {
    const [px, py] = toScreen(...pointOf(row), area), [qx, qy] = toScreen(x, y, area);
    const far = Math.hypot(px - qx, py - qy);
    if (far <= least) [best, least] = [row, far];
  }
  return best;
}

function choosePoint(x, y) {
  const row = nearestRow(x, y, REACH);
  if (row !== null) chooseRow(row);
  else probeAt(x, y);
}

// Show any point of the plane in the graph, with the target of the row shown last.
function probeAt(x, y) {
  const probe = Float64Array.from(rowNumbers(app.row));
  [probe[0], probe[1]] = [x, y];
  app.probe = probe;
  refresh();
  say(`Point ${shown(x, 3)}, ${shown(y, 3)}: ${nodeName(data.outputs[0])} ${shown(value(data.outputs[0]))}`);
}

function moveRow(row, x, y, gesture) {
  change(`row ${row + 1} moved to ${shown(x, 3)}, ${shown(y, 3)}`, [["x", row * width, x], ["x", row * width + 1, y]], gesture);
  refresh();
}

// Give a row the next class as its target.
function flipRow(row) {
  if (!data.classes.length) return tell("These targets are no classes: edit the number in the table of data.");
  const wanted = Array.from(rowNumbers(row).slice(data.inputs.length)).join();
  const at = data.classes.findIndex((each) => each.join() === wanted);
  const next = data.classes[(at + 1) % data.classes.length];
  const target = next.map((number) => shown(number)).join(", ");
  change(`target ${target} of row ${row + 1}`, next.map((number, index) => ["x", row * width + data.inputs.length + index, number]));
  chooseRow(row);
  say(`Row ${row + 1} has target ${target} now`);
}

// ---- dragging a data point: one drag is one change, and training waits for its end

// A mouse takes hold of a point at once; a finger that only passes scrolls the page, so it has to rest
// on the point first.
function takeHold(event) {
  const [x, y] = toPlane(event), row = nearestRow(x, y, REACH), isFinger = event.pointerType === "touch";
  held = { row, moved: false, isTaken: !isFinger, x: event.clientX, y: event.clientY, gesture: newGesture(), wasPlaying: false, timer: 0 };
  cross.visible = false;
  if (row === null || app.step !== null) return;
  if (isFinger) held.timer = setTimeout(takeWithFinger, HOLD_MS);
  else plane.setPointerCapture(event.pointerId);
}

function takeWithFinger() {
  held.isTaken = true;
  if (app.row !== held.row || app.probe) chooseRow(held.row);
  say(`Row ${held.row + 1} is held: move it`);
  navigator.vibrate?.(15);
  refresh();
}

function dragPoint(event) {
  if (!held) return;
  if (Math.hypot(event.clientX - held.x, event.clientY - held.y) > (held.isTaken ? 4 : 10)) {
    held.moved = true;
    if (!held.isTaken) clearTimeout(held.timer);
  }
  if (held.row === null || !held.moved || !held.isTaken || app.step !== null) return;
  if (app.playing || goal !== null) {
    held.wasPlaying = app.playing;
    pause();
  }
  const [x, y] = toPlane(event), [left, right, bottom, top] = data.domain;
  if (app.row !== held.row || app.probe) chooseRow(held.row);
  moveRow(held.row, Number(between(left, x, right).toFixed(3)), Number(between(bottom, y, top).toFixed(3)), held.gesture);
}

function letGo(event) {
  if (!held) return;
  const { moved, isTaken, wasPlaying, timer } = held, isFinger = event.pointerType === "touch";
  clearTimeout(timer);
  held = null;
  if (event.type === "pointerup" && !moved && !(isFinger && isTaken)) choosePoint(...toPlane(event));
  if (wasPlaying) play();
  refresh();
}

function watchPlane() {
  if (!data.domain) return;
  redraws.set("plane", drawPlane);
  plane.addEventListener("pointerdown", takeHold);
  plane.addEventListener("pointermove", dragPoint);
  plane.addEventListener("pointerup", letGo);
  plane.addEventListener("pointercancel", letGo);
  plane.addEventListener("touchmove", (event) => { if (held?.isTaken) event.preventDefault(); }, { passive: false });
  plane.addEventListener("contextmenu", (event) => { if (held) event.preventDefault(); });
  plane.addEventListener("dblclick", (event) => {
    const row = nearestRow(...toPlane(event), REACH);
    if (row !== null && app.step === null) flipRow(row);
  });
  plane.addEventListener("keydown", planeKey);
  plane.addEventListener("blur", () => { cross.visible = false; refresh(); });
}

function planeKey(event) {
  const [left, right, bottom, top] = data.domain, stride = (right - left) / 40;
  if (app.step !== null) return; // keys go on with the lesson
  if (event.key === "Enter") {
    event.preventDefault();
    choosePoint(cross.x, cross.y);
  } else if (DIRECTIONS[event.key] && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    event.stopPropagation();
    const [across, up] = DIRECTIONS[event.key].map((part) => part * stride);
    if (event.altKey && !app.probe && app.step === null) {
      const [x, y] = rowNumbers(app.row);
      moveRow(app.row, Number(between(left, x + across, right).toFixed(3)), Number(between(bottom, y + up, top).toFixed(3)), `keys ${app.row}`);
      say(`Row ${app.row + 1} at ${Array.from(rowNumbers(app.row).slice(0, 2), (n) => shown(n, 3)).join(", ")}`);
      return;
    }
    if (!cross.visible) [cross.x, cross.y] = shownRow().subarray(0, 2);
    cross.visible = true;
    [cross.x, cross.y] = [between(left, cross.x + across, right), between(bottom, cross.y + up, top)];
    say(`${shown(cross.x, 3)}, ${shown(cross.y, 3)}`);
    refresh();
  }
}
