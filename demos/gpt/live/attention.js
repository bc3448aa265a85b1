// ---- the attention of each head, as a picture -----------------------------------------------

const LEAST_CELL = 24; // pixels; a percentage is read at this size
const MOST_CELL = 64;
const LABELS = 36, HEADING = 36, GAP = 2; // what a head has beside its cells, and between them
const isWide = window.matchMedia("(min-width: 1100px) and (min-height: 620px)");

const headCells = []; // for each head, the cells of its triangle: [asks][answers]

// The tables of a word: rows ask, columns answer. One cell of a head is in the tab order; arrows move.
function makeHeads() {
  const look = app.look, place = byId("heads");
  place.replaceChildren();
  headCells.length = 0;
  for (let head = 0; head < data.heads; head += 1) {
    const title = element("button", { type: "button", class: "head-title", onclick: () => choose({ head }) }, `Head ${head + 1}`);
    const cells = [], body = element("tbody");
    for (let asks = 0; asks < look.length; asks += 1) {
      // "start" is in the corner, for the first column and the first row.
      const row = element("tr", {}, element("th", { scope: "row" }, element("span", asks === 0 ? { class: "visually-hidden" } : {}, axis(asks))));
      cells.push([]);
      for (let answers = 0; answers < look.length; answers += 1) {
        const cell = element("td", answers > asks ? { class: "later" } : { tabindex: "-1" });
        if (answers <= asks) {
          cell.addEventListener("click", () => choose({ head, asks, answers }));
          cell.addEventListener("keydown", (event) => cellKey(event, head, asks, answers));
          cell.addEventListener("pointerenter", () => tellCell(head, asks, answers));
          cell.addEventListener("focus", () => { tellCell(head, asks, answers); say(byId("told").textContent); });
          cells[asks].push(cell);
        }
        row.append(cell);
      }
      body.append(row);
    }
    const columns = element("tr", {}, element("td", { class: "later" }), ...Array.from({ length: look.length }, (_, answers) => element("th", { scope: "col" }, element("span", {}, axis(answers)))));
    const table = element("table", { role: "grid", "aria-label": `Head ${head + 1}: rows look at columns, in percent` }, element("thead", {}, columns), body);
    place.append(element("section", { class: "head", "aria-label": `Head ${head + 1}` }, title, table));
    headCells.push(cells);
  }
}

function axis(position) {
  return position === 0 ? "start" : app.look.letters[position - 1];
}

// As large as the cells can be, with all heads in sight, two or more side by side where that helps.
function fitHeads() {
  const place = byId("heads"), count = app.look.length;
  const [across, down] = [place.clientWidth, place.clientHeight];
  let best = 0, columns = 1;
  for (let tried = 1; tried <= data.heads; tried += 1) {
    const rows = Math.ceil(data.heads / tried);
    const wide = (across / tried - LABELS) / count - GAP, high = (down / rows - HEADING) / count - GAP;
    if (tried > 1 && wide < LEAST_CELL) break;
    const cell = isWide.matches ? Math.min(wide, Math.max(high, LEAST_CELL)) : wide;
    if (tried === 1 || cell >= best) [best, columns] = [cell, tried];
  }
  best = Math.max(LEAST_CELL, Math.min(MOST_CELL, Math.floor(best)));
  place.style.setProperty("--cell", `${best}px`);
  place.style.setProperty("--columns", columns);
}

function showHeads() {
  const { look, chosen } = app;
  fitHeads();
  const strongFrom = isDark() ? 0.56 : 0.75; // from where the other ink is read better
  headCells.forEach((cells, head) => {
    cells.forEach((row, asks) => row.forEach((cell, answers) => {
      const weight = look.pair("weight", chosen.layer, head, asks, answers);
      setText(cell, Number.isFinite(weight) ? String(Math.round(100 * weight)) : "–");
      cell.style.setProperty("--share", `${(100 * weight).toFixed(1)}%`);
      cell.classList.toggle("strong", weight > strongFrom);
      cell.classList.toggle("three", cell.textContent === "100"); // which is as wide as the least cell
      const here = head === chosen.head && asks === chosen.asks;
      cell.classList.toggle("in-row", here);
      cell.setAttribute("aria-selected", String(here && answers === chosen.answers));
      const entry = head === chosen.head ? here && answers === chosen.answers : asks === look.length - 1 && answers === asks;
      cell.setAttribute("tabindex", entry ? "0" : "-1");
    }));
    byId("heads").children[head].classList.toggle("chosen", head === chosen.head);
    byId("heads").children[head].querySelector("button").setAttribute("aria-pressed", String(head === chosen.head));
  });
  tellCell(...app.pointed);
}

function tellCell(head, asks, answers) {
  const { look, chosen } = app;
  app.pointed = [head, asks, answers];
  const weight = look.pair("weight", chosen.layer, head, asks, answers);
  setText(byId("told"), `Head ${head + 1}: ${look.token(asks)} looks at ${look.token(answers)}, ${shown(weight)}; loss of ${app.word} ${shown(look.loss)}`);
}

function cellKey(event, head, asks, answers) {
  const by = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  if (event.key === "Enter") choose({ head, asks, answers });
  else if (by) {
    const row = Math.max(0, Math.min(app.look.length - 1, asks + by[0]));
    headCells[head][row][Math.max(0, Math.min(row, answers + by[1]))].focus();
  } else return;
  event.preventDefault();
  event.stopPropagation();
}
