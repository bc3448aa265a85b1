// ---- the graph ------------------------------------------------------------------------------

const SVG = "http://www.w3.org/2000/svg";
const CAMERA_MS = 420;

// Text is 20 units of the drawing high; these are pixels of the screen per unit.
const NEAREST = 1; // larger than most of the page's text
const FROM_AFAR = 0.801; // text of 16 pixels, for a projector
const READABLE = 0.551; // text of 11 pixels
const SMALLEST = 0.401; // text of 8 pixels, where the boxes of a step lie too far apart for more
const ROOM = 40; // around the boxes of a step, in units of the drawing
const UNREADABLE = 0.16; // text of 3 pixels
const OPPOSED = 0.05; // of what flows along an arrow, that the other sign is seen beside it
const MANY = 150; // boxes, among which nothing runs along an arrow by itself
const NEAR = 0.25; // of a view to all sides of it
const TEXT_EDGE = 9; // from a box's side to its text
const LEAST_ROOM = 10; // around them where there is little, and around the whole drawing

const projected = window.matchMedia("(min-width: 1000px)"); // as in show.css
const drawing = byId("drawing");
const drawingSize = { x: 0, y: 0, w: Number(drawing.dataset.width), h: Number(drawing.dataset.height) };
const boxes = new Map();
const arrows = new Map(); // each with the contributions that flow back along it
// followed: the boxes and arrows of a step; again: how to look once more in an area of another size;
// neither once a person has moved the view
const camera = { now: { ...drawingSize }, from: null, to: null, started: 0, followed: null, area: null, again: null };

function svgElement(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, setting] of Object.entries(attributes)) made.setAttribute(name, setting);
  return made;
}

function readDrawing() {
  boxes.clear();
  arrows.clear();
  for (const group of drawing.querySelectorAll(".box")) {
    const place = Number(group.dataset.box);
    if (group.classList.contains("reference")) continue;
    const shape = group.querySelector(".shape");
    const [x, y, w, h] = ["x", "y", "width", "height"].map((name) => Number(shape.getAttribute(name)));
    const box = { group, x, y, w, h, value: group.querySelector(".value"), grad: group.querySelector(".grad") };
    if (box.value) {
      box.valueBar = barBehind(box, box.value);
      box.gradBar = barBehind(box, box.grad);
    }
    const titles = [...group.querySelectorAll(".title")];
    for (const title of titles) fitTitle(title, w);
    box.title = titles.map((title) => title.textContent).join(" ");
    boxes.set(place, box);
    group.setAttribute("role", "button");
    group.setAttribute("tabindex", "-1");
    group.addEventListener("click", () => select(place));
    group.addEventListener("focus", () => describeBox(place));
    group.addEventListener("keydown", (event) => boxKey(event, place));
    describeBox(place);
  }
  drawing.classList.toggle("crowded", boxes.size > MANY);
  boxes.get(boxes.has(rootPlace) ? rootPlace : [...boxes.keys()].pop()).group.setAttribute("tabindex", "0");
  for (const group of drawing.querySelectorAll(".arrow")) {
    const line = group.querySelector(".line"), path = line.getAttribute("d");
    group.prepend(svgElement("path", { class: "halo", d: path }));
    if (folds) line.after(svgElement("path", { class: "opposite", d: path }));
    arrows.set(group.dataset.use, { group, steps: [] }); // "7.2": the use of a value as operand 2 of node 7
  }
  if (scene.arrows) for (const [key, { steps }] of scene.arrows) arrows.get(key).steps = steps;
  else data.steps.forEach(({ node, position }, index) => arrows.get(`${node}.${position}`)?.steps.push(index));
}

// The browser's font may be wider than that for which a box was laid out.
function fitTitle(title, width) {
  const room = width - 2 * TEXT_EDGE;
  if (title.getComputedTextLength() <= room) return;
  title.setAttribute("textLength", room);
  title.setAttribute("lengthAdjust", "spacingAndGlyphs");
}

function barBehind(box, text) {
  const bar = svgElement("rect", { class: "bar", x: box.x + 3, y: Number(text.getAttribute("y")) - 16.5, height: 21, width: 0, rx: 3 });
  box.group.insertBefore(bar, box.group.querySelector("text"));
  return bar;
}

// A box is called what it shows.
function describeBox(place) {
  const box = boxes.get(place);
  const numbers = box.value ? `, ${box.value.textContent}, ${box.grad.textContent}` : "";
  const label = box.title + numbers + (isFold(place) ? ", closed: Enter opens it" : "");
  if (box.group.getAttribute("aria-label") !== label) box.group.setAttribute("aria-label", label);
}

// ---- its numbers

function showGraph() {
  const limits = app.step === null ? null : limitsOf(allSteps[app.step]);
  let largest = 0;
  for (const place of boxes.keys()) {
    if (place > 0 && place !== rootPlace) largest = Math.max(largest, Math.abs(gradient(place) || 0));
  }
  for (const [place, box] of boxes) {
    if (place < 0) showSeveral(place, box, limits);
    else if (box.value) showBox(place, box, limits, largest);
  }
  showArrows(limits);
}

// How far a walk has come: forward steps done so far, and backward steps (-1: not begun).  What a
// step gives may have to be told first by a person.
function limitsOf(step) {
  if (step.limits) return step.limits;
  const given = app.isAsking ? 0 : 1;
  if (step.phase === "forward") return { computed: step.at + given, backward: -1 };
  if (step.phase === "start") return { computed: Infinity, backward: 0 };
  return { computed: Infinity, backward: step.phase === "backward" ? step.at + given : Infinity };
}

function showBox(place, box, limits, largest) {
  const isLeaf = data.nodes[place - 1].formula === null;
  const known = !limits || isLeaf || scene.computedAt[place - 1] < limits.computed;
  const grad = limits ? gradient(place, limits.backward) : gradient(place);
  const partial = Boolean(limits) && grad !== null && !isComplete(place, limits.backward);
  setText(box.value, known ? `value ${shown(value(place))}` : "value ·");
  setText(box.grad, grad === null ? "grad –" : `grad ${signed(grad)}${partial ? " …" : ""}`);
  box.group.classList.toggle("pending", !known);
  bar(box, box.valueBar, known ? value(place) : 0, 1 + Math.abs(value(place)));
  bar(box, box.gradBar, place === rootPlace ? 0 : grad || 0, largest);
  further.showBox?.(place, box);
}

function bar(box, rect, number, most) {
  const share = Number.isFinite(number) && most > 0 ? Math.min(1, Math.abs(number) / most) : 0;
  const length = (share * (box.w - 6)).toFixed(1);
  if (rect.getAttribute("width") !== length) rect.setAttribute("width", length);
  const kind = number < 0 ? "bar minus" : "bar plus";
  if (rect.getAttribute("class") !== kind) rect.setAttribute("class", kind);
}

function showArrows(limits) {
  const done = limits ? limits.backward : Infinity;
  let largest = 0;
  for (const { steps } of arrows.values()) largest = Math.max(largest, ...flowsOf(steps));
  for (const { group, steps } of arrows.values()) {
    const [plus, minus] = flowsOf(steps.filter((index) => isDone(index, done))), most = Math.max(plus, minus);
    const share = largest > 0 && Number.isFinite(most) ? Math.sqrt(most / largest) : 0;
    group.style.setProperty("--flow", (2 + 7 * share).toFixed(1));
    const kind = share < 0.02 ? "" : Math.min(plus, minus) > OPPOSED * most ? "both" : plus < minus ? "minus" : "plus";
    if (group.dataset.sign !== kind) group.dataset.sign = kind;
  }
}

// What flows back along an arrow in all, by its sign: a fold's arrow may carry both.
function flowsOf(steps) {
  const flows = [0, 0];
  for (const index of steps) {
    const contribution = app.pass.contributions[index];
    if (Number.isFinite(contribution)) flows[contribution < 0 ? 1 : 0] += Math.abs(contribution);
  }
  return flows;
}

// ---- what is lit

// Nodes have the boxes that they are in, if they are on scene.
function idsOf(places) {
  return [...new Set(places.map((place) => (place < 0 ? place : scene.boxOf(place))))].filter((id) => boxes.has(id));
}

function light(places, edgeKeys) {
  const ids = idsOf(places), [first] = places.length ? idsOf([places[0]]) : [];
  for (const [id, box] of boxes) {
    box.group.classList.toggle("active", first === id);
    box.group.classList.toggle("lit", ids.includes(id));
  }
  for (const [key, { group }] of arrows) group.classList.toggle("lit", edgeKeys.includes(key));
  drawing.classList.toggle("lighting", ids.length > 0);
}

function select(place) {
  if (isFold(place)) return openFold(-place);
  if (app.selected === place && app.waiting !== null) return enterSteps(app.waiting);
  if (app.step !== null) further.beforeExplaining?.();
  letStepWait();
  app.selected = app.selected === place ? 0 : place;
  for (const [each, box] of boxes) box.group.setAttribute("tabindex", each === place ? "0" : "-1");
  lightSelection();
  refresh();
  say(explanationText(place));
}

// The box that is chosen, and where it is used.
function lightSelection() {
  const place = app.selected, uses = place > 0 ? stepsInto[place - 1].map((index) => data.steps[index]) : [];
  const lit = [[...(place ? [place] : []), ...uses.map((use) => use.node)], uses.map((use) => scene.arrowOf(use.node, use.position))];
  light(...lit);
  if (app.waiting !== null) lookAt(...lit);
}

function boxKey(event, place) {
  const directions = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    event.stopPropagation();
    select(place);
  } else if (directions[event.key] && !event.altKey && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    event.stopPropagation();
    const next = neighbour(place, ...directions[event.key]);
    if (next) focusBox(next);
  }
}

function focusBox(place) {
  if (!boxes.has(place)) return focusBox(boxes.has(rootPlace) ? rootPlace : [...boxes.keys()].pop());
  for (const [each, box] of boxes) box.group.setAttribute("tabindex", each === place ? "0" : "-1");
  boxes.get(place).group.focus({ preventScroll: true });
  const { x, y, w, h } = boxes.get(place), seen = camera.to || camera.now;
  const outside = x < seen.x || y < seen.y || x + w > seen.x + seen.w || y + h > seen.y + seen.h;
  if (outside) moveTo({ ...seen, x: x + w / 2 - seen.w / 2, y: y + h / 2 - seen.h / 2 });
  return undefined;
}

// The nearest box in a direction; sideways distance counts double.
function neighbour(place, right, down) {
  const from = middle(boxes.get(place));
  let best = 0, least = Infinity;
  for (const [each, box] of boxes) {
    const to = middle(box), across = to.x - from.x, along = to.y - from.y;
    const ahead = right ? across * right : along * down, aside = Math.abs(right ? along : across);
    const far = ahead + 2 * aside;
    if (each !== place && ahead > 10 && far < least) [best, least] = [each, far];
  }
  return best;
}

function middle(box) {
  return { x: box.x + box.w / 2, y: box.y + box.h / 2 };
}

// ---- the camera

function look(view, atOnce = false) {
  if (atOnce || stillness.matches || document.hidden) {
    camera.to = null;
    return setView(view);
  }
  Object.assign(camera, { from: { ...camera.now }, to: view, started: performance.now() });
  requestAnimationFrame(moveCamera);
}

function moveCamera(time) {
  if (!camera.to) return;
  const part = Math.min(1, Math.max(0, (time - camera.started) / CAMERA_MS));
  const eased = part * part * (3 - 2 * part), view = {};
  for (const name of ["x", "y", "w", "h"]) view[name] = camera.from[name] + eased * (camera.to[name] - camera.from[name]);
  setView(view);
  if (part < 1) requestAnimationFrame(moveCamera);
  else camera.to = null;
}

function pixelsPerUnit(view = camera.now) {
  return Math.min(drawing.clientWidth / view.w, drawing.clientHeight / view.h);
}

function setView(view) {
  camera.now = { ...view };
  drawing.classList.toggle("far", pixelsPerUnit() < UNREADABLE);
  drawing.setAttribute("viewBox", [view.x, view.y, view.w, view.h].map((number) => number.toFixed(1)).join(" "));
  if (boxes.size > MANY) hideAway(view);
  hideCut();
}

// The browser lays all text out again with each view: that of boxes which are not near it is left out.
function hideAway({ x, y, w, h }) {
  const [left, top, right, bottom] = [x - w * NEAR, y - h * NEAR, x + w * (1 + NEAR), y + h * (1 + NEAR)];
  for (const box of boxes.values()) {
    const isAway = box.x > right || box.x + box.w < left || box.y > bottom || box.y + box.h < top;
    if (box.isAway === isAway) continue;
    box.isAway = isAway;
    box.group.classList.toggle("away", isAway);
  }
}

// A box whose text is cut at a side shows none: the rest of a number reads as another one.
function hideCut() {
  const across = drawing.clientWidth / pixelsPerUnit(), left = camera.now.x + (camera.now.w - across) / 2;
  for (const box of boxes.values()) {
    const from = box.x + TEXT_EDGE, to = box.x + box.w - TEXT_EDGE, isCut = to - from < across && (from < left || to > left + across);
    if (box.isCut === isCut) continue;
    box.isCut = isCut;
    box.group.classList.toggle("cut", isCut);
  }
}

// What a person wants to see: from here on the view no longer follows a step.
function moveTo(view, atOnce = false, again = null) {
  Object.assign(camera, { followed: null, again });
  look(view, atOnce);
}

// How many pixels a unit has where all of the drawing is in view.
function scaleOfAll(area) {
  const room = 2 * LEAST_ROOM, scale = Math.min(area.w / (drawingSize.w + room), area.h / (drawingSize.h + room));
  return folds ? Math.min(scale, NEAREST) : scale; // a small part of a large graph is read best like that
}

function lookAtAll(atOnce = false) {
  const area = areaOfDrawing(), scale = scaleOfAll(area), [w, h] = [area.w / scale, area.h / scale];
  moveTo({ x: (drawingSize.w - w) / 2, y: (drawingSize.h - h) / 2, w, h }, atOnce, lookAtAll);
}

// All of the drawing; on a projector, where its text would be too small, the end with the result.
function lookAtRest(atOnce = false) {
  const area = areaOfDrawing(), [result] = idsOf(isInside() ? scene.outs : [rootPlace]).map((id) => boxes.get(id));
  if (!result || !projected.matches || scaleOfAll(area) >= FROM_AFAR) {
    lookAtAll(atOnce);
    camera.again = lookAtRest;
    return;
  }
  moveTo(viewOf(area, FROM_AFAR, result, result), atOnce, lookAtRest);
}

// Look at the boxes and arrows of a step. Where they are too far apart to be read together, look at
// the first box, and from there as far towards the others as it stays in view.
function lookAt(places, edgeKeys, atOnce = false) {
  const area = areaOfDrawing(), lit = idsOf(places).map((id) => boxes.get(id)), [first] = lit;
  if (!first) return lookAtAll(atOnce);
  const step = around([...lit, ...edgeKeys.map(lineOf).filter(Boolean)]);
  const whole = (part, room) => Math.min(area.w / (part.w + 2 * room), area.h / (part.h + 2 * room));
  const [readable, smallest] = projected.matches ? [FROM_AFAR, FROM_AFAR] : [READABLE, SMALLEST];
  const together = Math.min(NEAREST, Math.max(whole(step, ROOM), Math.min(readable, whole(step, LEAST_ROOM))));
  const scale = together < smallest ? Math.min(readable, whole(first, LEAST_ROOM)) : together;
  Object.assign(camera, { followed: [places, edgeKeys], area: area.size, again: null });
  return look(viewOf(area, scale, step, first), atOnce);
}

function viewOf(area, scale, step, first) {
  const x = startOf(area.w / scale, [step.x, step.w], [first.x, first.w], drawingSize.w);
  const y = startOf(area.h / scale, [step.y, step.h], [first.y, first.h], drawingSize.h);
  return { x, y, w: area.w / scale, h: area.h / scale };
}

// Where a view of that length starts along one axis: at the middle of the step, but with its first
// box wholly in view, and showing no more beyond an end of the drawing than a narrow edge.
function startOf(length, [step, stepLength], [first, firstLength], end) {
  if (length >= end + 2 * LEAST_ROOM) return (end - length) / 2;
  const middleOfStep = step + (stepLength - length) / 2;
  const seen = between(first + firstLength + LEAST_ROOM - length, middleOfStep, first - LEAST_ROOM);
  return between(-LEAST_ROOM, seen, end + LEAST_ROOM - length);
}

function between(low, number, high) {
  return Math.max(low, Math.min(number, high));
}

// The bounds of boxes and lines together.
function around(all) {
  const x = Math.min(...all.map((each) => each.x)), y = Math.min(...all.map((each) => each.y));
  const right = Math.max(...all.map((each) => each.x + each.w)), bottom = Math.max(...all.map((each) => each.y + each.h));
  return { x, y, w: right - x, h: bottom - y };
}

function lineOf(edgeKey) {
  const arrow = arrows.get(edgeKey);
  if (!arrow) return null;
  const { x, y, width: w, height: h } = arrow.group.querySelector(".line").getBBox();
  return { x, y, w, h };
}

// What the drawing has of the screen, in pixels.
function areaOfDrawing() {
  const { width: w, height: h } = drawing.getBoundingClientRect();
  return { w, h: Math.max(1, h), size: `${w} ${h}` };
}

// The view stays with its step when the area gets another size.
function followStep() {
  if (camera.followed && areaOfDrawing().size !== camera.area) lookAt(...camera.followed, true);
}

// The view at another size around a point of the drawing, by default the middle.
function zoomed(factor, around = null) {
  const view = camera.to || camera.now;
  const at = around || { x: view.x + view.w / 2, y: view.y + view.h / 2 };
  const w = Math.max(120, Math.min(view.w * factor, 3 * drawingSize.w)), scale = w / view.w;
  return { x: at.x - (at.x - view.x) * scale, y: at.y - (at.y - view.y) * scale, w, h: view.h * scale };
}

function zoom(factor) {
  moveTo(zoomed(factor));
}

// A view that a hand or a wheel moves.
function drag(view) {
  Object.assign(camera, { followed: null, again: null, to: null });
  setView(view);
}

function drawingPoint(event) {
  const area = drawing.getBoundingClientRect(), seen = middle(camera.now), scale = pixelsPerUnit();
  const [x, y] = [event.clientX - area.x - area.width / 2, event.clientY - area.y - area.height / 2];
  return { x: seen.x + x / scale, y: seen.y + y / scale };
}

const GRAPH_KEYS = [
  ["G", "go to the graph (arrows move, Enter explains a box)", () => focusBox(app.selected || rootPlace)],
  ["+", "zoom in", () => zoom(1 / 1.4)],
  ["−", "zoom out", () => zoom(1.4)],
  ["0", "the whole graph", () => lookAtAll()],
];

const fingers = new Map();

function watchGraph() {
  watchClicks({ "zoom-in": () => zoom(1 / 1.4), "zoom-out": () => zoom(1.4), "zoom-all": () => lookAtAll() });
  drawing.addEventListener("pointerdown", (event) => fingers.set(event.pointerId, { x: event.clientX, y: event.clientY, moved: false }));
  drawing.addEventListener("pointermove", moveFinger);
  for (const name of ["pointerup", "pointercancel", "pointerleave"]) {
    drawing.addEventListener(name, (event) => fingers.delete(event.pointerId));
  }
  drawing.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && document.documentElement.scrollHeight > window.innerHeight + 4) return;
    event.preventDefault();
    drag(zoomed(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) / 240), drawingPoint(event)));
  }, { passive: false });
}

function moveFinger(event) {
  const finger = fingers.get(event.pointerId);
  if (!finger) return;
  const [dx, dy] = [event.clientX - finger.x, event.clientY - finger.y];
  if (!finger.moved && Math.hypot(dx, dy) < 4) return;
  const others = [...fingers].filter(([id]) => id !== event.pointerId).map(([, other]) => other);
  if (others.length === 1) {
    const before = Math.hypot(finger.x - others[0].x, finger.y - others[0].y);
    const after = Math.hypot(event.clientX - others[0].x, event.clientY - others[0].y);
    if (after > 0) drag(zoomed(before / after, drawingPoint(event)));
  } else {
    const scale = 1 / pixelsPerUnit(), view = camera.now;
    drag({ ...view, x: view.x - dx * scale, y: view.y - dy * scale });
  }
  Object.assign(finger, { x: event.clientX, y: event.clientY, moved: true });
}
