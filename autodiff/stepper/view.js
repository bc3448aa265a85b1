// ---- what all parts of a page share -------------------------------------------------------

const data = JSON.parse(document.getElementById("data").textContent);
const nodeCount = data.nodes.length;
const rootPlace = nodeCount;

function byId(id) {
  return document.getElementById(id);
}

// A new element; text is never read as markup.
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, setting] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), setting);
    else if (setting === true) made.setAttribute(name, "");
    else if (setting !== false && setting !== null) made.setAttribute(name, setting);
  }
  made.append(...children);
  return made;
}

function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

function say(text) {
  setText(byId("spoken"), text);
}

// A message that stays until the next; an empty one takes it away.
function tell(text) {
  const message = byId("message");
  setText(message, text);
  message.hidden = text === "";
}

const stillness = window.matchMedia("(prefers-reduced-motion: reduce)");
const darkness = window.matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  const theme = document.documentElement.dataset.theme;
  return theme ? theme === "dark" : darkness.matches;
}

const colours = new Map(); // emptied when the theme changes

// A colour of the style sheet, as three numbers from 0 to 255.
function colour(name) {
  if (!colours.has(name)) {
    const text = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    colours.set(name, [1, 3, 5].map((start) => parseInt(text.slice(start, start + 2), 16)));
  }
  return colours.get(name);
}

function css(rgb, alpha = 1) {
  return `rgba(${rgb.join(",")},${alpha})`;
}

// A canvas as large as its place on the screen, in the screen's own pixels; drawn in CSS pixels.
function fitted(canvas) {
  const ratio = Math.min(window.devicePixelRatio || 1, 3);
  const box = canvas.parentElement.getBoundingClientRect();
  const [across, down] = [Math.max(1, Math.round(box.width)), Math.max(1, Math.round(box.height))];
  if (canvas.width !== Math.round(across * ratio) || canvas.height !== Math.round(down * ratio)) {
    canvas.width = Math.round(across * ratio);
    canvas.height = Math.round(down * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return { context, across, down };
}

// ---- the numbers of the graph that is shown --------------------------------------------------

function value(place) {
  return app.traced[place - 1];
}

function stepNumbers(index) {
  const [local, upstream, contribution, total, taken] = app.traced.subarray(nodeCount + 5 * index, nodeCount + 5 * index + 5);
  return { local, upstream, contribution, total, taken: taken > 0 };
}

// The backward steps that add to each node's gradient, in order.
const stepsInto = data.nodes.map(() => []);
data.steps.forEach((step, index) => stepsInto[step.parent - 1].push(index));

// A node's gradient after so many backward steps; null where none has reached it.
function gradient(place, stepsDone = data.steps.length) {
  if (place === rootPlace) return stepsDone < 0 ? null : 1;
  const into = stepsInto[place - 1];
  let last = null;
  for (const index of into) if (index < stepsDone && stepNumbers(index).taken) last = index;
  return last === null ? null : stepNumbers(last).total;
}

function isComplete(place, stepsDone) {
  const into = stepsInto[place - 1];
  return place === rootPlace ? stepsDone >= 0 : into.length > 0 && into[into.length - 1] < stepsDone;
}

function nodeName(place) {
  return data.nodes[place - 1].name;
}

// ---- formulas -------------------------------------------------------------------------------

function referenceName(reference) {
  return reference[0] === "v" ? nodeName(Number(reference.slice(1))) : further.nameOf(reference);
}

function referenceNumber(reference) {
  return reference[0] === "v" ? value(Number(reference.slice(1))) : further.numberOf(reference);
}

// The formula as Python writes it.
function plainFormula(expression) {
  return expression.map((part, index) => (index % 2 ? referenceName(part) : part)).join("");
}

function withNames(expression) {
  return expression.map((part, index) => (index % 2 ? referenceName(part) : readable(part))).join("");
}

function withNumbers(expression, digits = 4, numberOf = referenceNumber) {
  const numbers = expression.map((part, index) => {
    if (index % 2 === 0) return readable(part);
    return (isAlone(expression, index) ? shown : operand)(numberOf(part), digits);
  });
  return numbers.join("");
}

// Whether a number needs no parentheses of its own: at the start, or as a function's argument.
function isAlone(expression, index) {
  if (index === 1 && expression[0] === "") return true;
  return /[(,]\s*$/.test(expression[index - 1]) && /^\s*[),]/.test(expression[index + 1]);
}

function readable(text) {
  return text.replaceAll(" * ", " × ").replaceAll("**2", "²").replaceAll(" - ", " − ").replaceAll("-", "−");
}
