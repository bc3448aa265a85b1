// ---- what all pages share -------------------------------------------------------------------

const data = JSON.parse(document.getElementById("data").textContent);

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
