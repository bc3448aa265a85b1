// ---- boxes and arrows that a page draws itself ------------------------------------------------------

const LONGEST_TITLE = 27, MOST_LINES = 3;
const BOX = { edge: TEXT_EDGE, line: 24, head: 8, divider: 10 };
const measure = document.createElement("canvas").getContext("2d");

function widthOf(text, weight) {
  measure.font = `${weight} 20px ${getComputedStyle(document.body).fontFamily}`;
  return measure.measureText(text).width;
}

// Text in lines, the rest of which is left out.
function inLines(text) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines[lines.length - 1];
    if (last && last.length + word.length + 1 > LONGEST_TITLE) lines.push(word);
    else lines[lines.length - 1] = last ? `${last} ${word}` : word;
  }
  const kept = lines.slice(0, MOST_LINES);
  if (lines.length > MOST_LINES) kept[MOST_LINES - 1] += " …";
  return kept.map((line) => (line.length > LONGEST_TITLE + 6 ? `${line.slice(0, LONGEST_TITLE + 5)}…` : line));
}

// How large a box is: lines of text, and below them its numbers, of which several have room for two.
function sizeBox(box, kind, lines, isNumber, isSeveral) {
  const numbers = isNumber ? [] : ["value −1.234e−05 … −1.234e−05", "grad −1.234e−05 … −1.234e−05"].map((text) => (isSeveral ? text : text.split(" … ")[0]));
  const widest = Math.max(...lines.map((text) => widthOf(text, 600)), ...numbers.map((text) => widthOf(text, 400)));
  Object.assign(box, { w: Math.ceil(widest) + 2 * BOX.edge, h: 2 * BOX.head + BOX.line * (lines.length + numbers.length) - 4 + (numbers.length ? BOX.divider : 0) });
  Object.assign(box, { shapeKind: kind, lines, isNumber });
}

function drawnBox({ id, x, y, w, h, shapeKind: kind, lines, isNumber }) {
  const text = (role, line, at, content) => {
    const made = svgElement("text", { class: role, x: x + BOX.edge, y: y + BOX.head + BOX.line * line + 15 + at });
    made.textContent = content;
    return made;
  };
  const group = svgElement("g", { class: `box ${kind}`, "data-box": id, ...(id > 0 && { id: `v${id}` }) });
  group.append(svgElement("rect", { class: "shape", x, y, width: w, height: h, rx: isNumber ? h / 2 : kind === "operation" || kind === "result" ? 16 : 5 }));
  lines.forEach((line, index) => group.append(text("title", index, 0, line), "\n")); // words stay apart
  if (!isNumber) {
    const divider = y + BOX.head + BOX.line * lines.length + 1;
    group.append(svgElement("polyline", { class: "divider", points: `${x},${divider} ${x + w},${divider}` }));
    group.append(text("value", lines.length, BOX.divider, ""), "\n", text("grad", lines.length + 1, BOX.divider, ""));
  }
  return group;
}

function drawnArrow({ key, path, tip }) {
  const group = svgElement("g", { class: "arrow", "data-use": key });
  group.append(svgElement("path", { class: "line", d: path }),
    svgElement("polygon", { class: "head", points: `${tip.x - 12},${tip.y - 6} ${tip.x},${tip.y} ${tip.x - 12},${tip.y + 6}` }));
  return group;
}

// Show boxes and arrows that were laid out, and nothing else.
function putIntoDrawing(drawn, joined, size) {
  const groups = { arrows: svgElement("g", { class: "arrows", "aria-hidden": "true" }), boxes: svgElement("g", { class: "boxes" }) };
  groups.arrows.append(...joined.map(drawnArrow));
  groups.boxes.append(...drawn.map(drawnBox));
  drawing.replaceChildren(groups.arrows, groups.boxes);
  Object.assign(drawingSize, size);
}
