// ---- keys, help and themes ------------------------------------------------------------------

// A page has its KEYS: [key, what it does, action]; actionOfDigit(1 to 9), or null; themeChanged().
let singleKeys = true;

// Fields that take text: keys are theirs.
const TEXT_FIELDS = "input:not([type=checkbox], [type=range]), textarea";

const PAGE_KEYS = [
  ["M", "light or dark", switchTheme],
  ["?", "these keys", openHelp],
];

function keyAction(event) {
  const names = { " ": "Space", ArrowRight: "→", ArrowLeft: "←", "-": "−", "=": "+", Escape: "Esc" };
  const key = names[event.key] || (event.key.length === 1 ? event.key.toUpperCase() : event.key);
  if (/^[1-9]$/.test(key)) return actionOfDigit(Number(key));
  const found = KEYS.find(([name]) => name === key);
  return found ? found[2] : null;
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (document.querySelector("dialog[open]")) return;
  const at = event.target;
  const typing = at.matches(`${TEXT_FIELDS}, select`);
  if (at.matches("[type=range]") && /^(Arrow|Page|Home|End)/.test(event.key)) return; // the slider's own
  if (typing && event.key === "Escape") return at.blur();
  if (typing || (at.matches("[role=tab]") && event.key.startsWith("Arrow"))) return;
  if (at.matches("button, summary, a, input") && (event.key === " " || event.key === "Enter")) return;
  const single = event.key.length === 1 && event.key !== " ";
  if (single && !singleKeys && event.key !== "?") return;
  const action = keyAction(event);
  if (!action) return;
  event.preventDefault();
  action();
}

// Enter in a field ends what was said before, also where it changes nothing: a field that was refused
// has its old setting back, and the browser reports no change if the same is entered again.
function answered(event) {
  if (event.key === "Enter" && event.target.matches("input:not([type=checkbox])")) tell("");
}

function switchTheme() {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  themeChanged();
}

function openHelp() {
  byId("help").showModal();
}

function makeHelp() {
  for (const [key, what] of KEYS) {
    byId("keys").append(element("div", {}, element("dt", {}, element("kbd", {}, key)), element("dd", {}, what)));
  }
}

// Buttons, by their ids, and what they do.
function watchClicks(actions) {
  for (const [id, action] of Object.entries(actions)) byId(id).addEventListener("click", action);
}

function watchKeys() {
  watchClicks({ theme: switchTheme, "open-help": openHelp });
  darkness.addEventListener("change", themeChanged);
  byId("single-keys").addEventListener("change", (event) => { singleKeys = event.target.checked; });
  document.addEventListener("keydown", answered, true);
  document.addEventListener("keydown", pressed);
  for (const shownByKey of document.querySelectorAll("[data-key]")) {
    shownByKey.title = `${shownByKey.title ? `${shownByKey.title} ` : ""}key: ${shownByKey.dataset.key}`;
    shownByKey.setAttribute("aria-keyshortcuts", shownByKey.dataset.key);
  }
}
