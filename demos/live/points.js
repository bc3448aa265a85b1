// ---- data of one's own ------------------------------------------------------------------------------

const POINTS = { reach: 1.2, near: 14, stride: 0.1 }; // the square from −1.2 to 1.2; pixels; by a key

const ownPoints = { rows: [], at: [0, 0], isByKey: false };

function pointsArea() {
  const { context, across, down } = fitted(byId("points"));
  const toX = (x) => ((x + POINTS.reach) / (2 * POINTS.reach)) * across, toY = (y) => ((POINTS.reach - y) / (2 * POINTS.reach)) * down;
  return { context, across, down, toX, toY };
}

function drawPoints() {
  const { context, across, down, toX, toY } = pointsArea();
  context.fillStyle = css(colour("middle"));
  context.fillRect(0, 0, across, down);
  context.strokeStyle = css(colour("line"));
  context.lineWidth = 1;
  for (const at of [-1, 0, 1]) {
    context.beginPath();
    context.moveTo(toX(at), 0);
    context.lineTo(toX(at), down);
    context.moveTo(0, toY(at));
    context.lineTo(across, toY(at));
    context.stroke();
  }
  for (const [x, y, target] of ownPoints.rows) drawMark(context, toX(x), toY(y), target > 0, 8, 2);
  if (ownPoints.isByKey) drawCross(context, { left: 0, right: across, top: 0, bottom: down }, toX(ownPoints.at[0]), toY(ownPoints.at[1]));
  const ones = ownPoints.rows.filter(([, , target]) => target > 0).length;
  setText(byId("points-count"), `${countedNouns(ownPoints.rows.length, "point")}: ${ownPoints.rows.length - ones} of target 0, ${ones} of target 1`);
}

// Set a point, or take away the one that is there.
function togglePoint(x, y) {
  const { toX, toY } = pointsArea(), [left, top] = [toX(x), toY(y)];
  const there = ownPoints.rows.findIndex(([a, b]) => Math.hypot(toX(a) - left, toY(b) - top) <= POINTS.near);
  if (there >= 0) ownPoints.rows.splice(there, 1);
  else if (ownPoints.rows.length < MOST_ROWS) ownPoints.rows.push([x, y, Number(document.querySelector("[name=points-class]:checked").value)]);
  drawPoints();
  showChoice();
}

function pointsKey(event) {
  if (event.key === "Enter" || event.key === " ") togglePoint(...ownPoints.at);
  else if (DIRECTIONS[event.key]) {
    const limit = POINTS.reach - POINTS.stride;
    ownPoints.at = ownPoints.at.map((each, axis) => Number(between(-limit, each + DIRECTIONS[event.key][axis] * POINTS.stride, limit).toFixed(2)));
    ownPoints.isByKey = true;
    byId("points").setAttribute("aria-label", ownPoints.at.map((each) => shown(each)).join(", "));
    say(ownPoints.at.map((each) => shown(each)).join(", "));
    drawPoints();
  } else return;
  event.preventDefault();
}

// What parts the cells of a table: the first that is in each of its lines.  Where it is not a comma, a
// comma is a decimal comma.
const SEPARATORS = [/\t/, /;/, /\|/, /(?<=[^\s,])\s+(?=[^\s,])/, /,/, /\s+/];

function cellsOf(text) {
  const lines = text.split(/\r?\n/).map((line) => line.trim()).filter(Boolean);
  const separator = SEPARATORS.find((each) => lines.every((line) => each.test(line))) || /\s+/;
  return lines.map((line) => line.split(separator).map((cell) => cell.trim().replace(/^"(.*)"$/, "$1")));
}

// The rows of a pasted table; an error in words if it is none.
function readTable(text) {
  const cells = cellsOf(text);
  if (cells.length && cells[0].every((cell) => /^[\p{L}_]/u.test(cell))) cells.shift(); // the columns' names
  if (!cells.length) return { error: "The table is empty: paste a row on each line." };
  const rows = cells.map((row) => row.map(numberFrom)), { length } = rows[0];
  for (const [at, row] of rows.entries()) {
    const bad = row.findIndex((number) => number === null || Math.abs(number) > FURTHEST);
    if (bad >= 0) return { error: `Row ${at + 1}: “${cells[at][bad].slice(0, 30)}” is no number from −1,000,000 to 1,000,000.` };
    if (row.length !== length) return { error: `Row ${at + 1} has ${countedNouns(row.length, "number")}, but row 1 has ${length}.` };
  }
  if (length < 2 || length > MOST_COLUMNS) return { error: `A row has 1 to ${MOST_COLUMNS - 1} inputs and a target: these have ${countedNouns(length, "number")}.` };
  if (rows.length > MOST_ROWS) return { error: `There is room for ${MOST_ROWS} rows, but these are ${counted(rows.length)}.` };
  return { rows };
}

function watchPoints() {
  const canvas = byId("points");
  canvas.addEventListener("click", (event) => {
    const box = canvas.getBoundingClientRect();
    ownPoints.isByKey = false;
    togglePoint(Number((((event.clientX - box.left) / box.width) * 2 * POINTS.reach - POINTS.reach).toFixed(2)), Number((POINTS.reach - ((event.clientY - box.top) / box.height) * 2 * POINTS.reach).toFixed(2)));
  });
  canvas.addEventListener("keydown", pointsKey);
  watchClicks({ "points-clear": () => { ownPoints.rows = []; drawPoints(); showChoice(); } });
}
