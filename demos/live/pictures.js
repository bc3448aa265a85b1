// ---- pictures of the panels -----------------------------------------------------------------

// A panel as an SVG drawing: what stands on the screen, with everything that only scrolling would show.
// Text stays text; what draw(context, across, down) puts into a canvas is drawn once more, as lines.

const NOT_IN_A_PICTURE = ".zoom, .rewind, .tabs, .stepper, .phases, .views, .visually-hidden, progress, input[type=checkbox], button[id], a.skip";
const redraws = new Map(); // by a canvas's id: draw(context, across, down)
const PICTURE_SCALE = 2; // pixels of a PNG for one of the screen
const LARGEST_PNG = 8000;

// What the drawings here ask of a canvas, as elements of SVG.
class SvgContext {
  constructor(into) {
    this.measure = element("canvas").getContext("2d");
    Object.assign(this, { into, path: "", dash: "", clips: 0, kept: [], fillStyle: "#000", strokeStyle: "#000", lineWidth: 1, font: "10px sans-serif", textAlign: "start", lineJoin: "miter" });
  }

  add(tag, attributes, text = "") {
    const made = svgElement(tag, attributes);
    made.textContent = text;
    this.into.append(made);
    return made;
  }

  beginPath() { this.path = ""; }
  moveTo(x, y) { this.path += `M${toHundredths(x)} ${toHundredths(y)}`; }
  lineTo(x, y) { this.path += `${this.path ? "L" : "M"}${toHundredths(x)} ${toHundredths(y)}`; }
  closePath() { this.path += "Z"; }
  rect(x, y, w, h) { this.path += `M${toHundredths(x)} ${toHundredths(y)}h${toHundredths(w)}v${toHundredths(h)}h${toHundredths(-w)}Z`; }
  clearRect() {} // the paper is there already
  setLineDash(lengths) { this.dash = lengths.join(" "); }

  // Only whole circles are drawn here.
  arc(x, y, radius) {
    this.path += `M${toHundredths(x - radius)} ${toHundredths(y)}a${radius} ${radius} 0 1 0 ${2 * radius} 0a${radius} ${radius} 0 1 0 ${-2 * radius} 0Z`;
  }

  fill() { this.add("path", { d: this.path, fill: this.fillStyle }); }

  stroke() {
    this.add("path", { d: this.path, fill: "none", stroke: this.strokeStyle, "stroke-width": this.lineWidth, "stroke-linejoin": this.lineJoin, ...(this.dash ? { "stroke-dasharray": this.dash } : {}) });
  }

  strokeRect(x, y, w, h) {
    this.add("rect", { x, y, width: w, height: h, fill: "none", stroke: this.strokeStyle, "stroke-width": this.lineWidth });
  }

  fillText(text, x, y, room = Infinity) {
    const anchor = { right: "end", end: "end", center: "middle" }[this.textAlign] ?? "start";
    this.measure.font = this.font;
    const isTooWide = this.measure.measureText(text).width > room, squeezed = isTooWide ? { textLength: room, lengthAdjust: "spacingAndGlyphs" } : {};
    this.add("text", { ...squeezed, x: toHundredths(x), y: toHundredths(y), fill: this.fillStyle, "text-anchor": anchor, style: `font:${this.font}` }, text);
  }

  drawImage(image, fromX, fromY, fromW, fromH, x, y, w, h) {
    const part = element("canvas", { width: fromW, height: fromH });
    part.getContext("2d").drawImage(image, fromX, fromY, fromW, fromH, 0, 0, fromW, fromH);
    this.add("image", { x, y, width: w, height: h, preserveAspectRatio: "none", href: part.toDataURL() });
  }

  save() { this.kept.push(this.into); }
  restore() { this.into = this.kept.pop(); }

  clip() {
    const clip = svgElement("clipPath", { id: `clip-${(this.clips += 1)}` });
    clip.append(svgElement("path", { d: this.path }));
    this.into.append(clip);
    const group = svgElement("g", { "clip-path": `url(#clip-${this.clips})` });
    this.into.append(group);
    this.into = group;
  }
}

function toHundredths(number) {
  return Number(number.toFixed(2));
}

class Picture {
  constructor(panel) {
    const { left, top, width: w, height: h } = panel.getBoundingClientRect(), edge = panel.matches(".card") ? 0 : 10;
    this.panel = panel;
    this.origin = new DOMRect(left - edge, top - edge, w + 2 * edge, h + 2 * edge);
    this.svg = svgElement("svg", { xmlns: SVG });
    [this.right, this.bottom, this.clips] = [this.origin.width, this.origin.height, 0];
    this.measure = element("canvas").getContext("2d");
    this.paint(panel);
    this.svg.setAttribute("width", Math.ceil(this.right));
    this.svg.setAttribute("height", Math.ceil(this.bottom));
    this.svg.setAttribute("viewBox", `0 0 ${Math.ceil(this.right)} ${Math.ceil(this.bottom)}`);
    const paper = svgElement("rect", { width: "100%", height: "100%", fill: css(colour("card")) });
    this.svg.prepend(paper);
  }

  get text() {
    return new XMLSerializer().serializeToString(this.svg);
  }

  // A place on the screen as one of the picture, which grows with what it holds.
  placeOf({ left, top, width: w, height: h }) {
    const [x, y] = [left - this.origin.left, top - this.origin.top];
    if (x + w > this.right) this.right = x + w + 8;
    if (y + h > this.bottom) this.bottom = y + h + 8;
    return { x: toHundredths(x), y: toHundredths(y), width: toHundredths(w), height: toHundredths(h) };
  }

  paint(at) {
    if (at.matches(NOT_IN_A_PICTURE) && !at.matches(".card")) return;
    const style = getComputedStyle(at), box = at.getBoundingClientRect();
    if (style.display === "none" || style.visibility === "hidden") return;
    if (at.tagName === "svg") return void this.svg.append(this.drawingOf(at, box));
    if (box.width && box.height && at !== this.panel) this.paintBox(box, style); // the panel is the paper
    if (at.tagName === "CANVAS") return this.paintCanvas(at, box, style);
    if (at.matches("input, select")) return this.paintText(at.matches("select") ? at.selectedOptions[0].text : at.value, box, style, at);
    for (const child of at.childNodes) {
      if (child.nodeType === Node.ELEMENT_NODE) this.paint(child);
      else if (child.nodeType === Node.TEXT_NODE) this.paintLines(child, style);
    }
  }

  paintBox(box, style) {
    const place = this.placeOf(box), isClear = (tone) => tone === "transparent" || /, 0\)$/.test(tone);
    const sides = ["top", "right", "bottom", "left"].map((side) => [parseFloat(style[`border-${side}-width`]), style[`border-${side}-color`]]);
    const isFramed = sides.every(([size, tone]) => size > 0 && tone === sides[0][1]);
    if (!isClear(style.backgroundColor) || isFramed) {
      const radius = Math.min(parseFloat(style.borderTopLeftRadius) * (style.borderTopLeftRadius.endsWith("%") ? box.width / 100 : 1) || 0, box.width / 2);
      const frame = isFramed && !isClear(sides[0][1]) ? { stroke: sides[0][1], "stroke-width": sides[0][0] } : {};
      this.svg.append(svgElement("rect", { ...place, rx: radius, fill: isClear(style.backgroundColor) ? "none" : style.backgroundColor, ...frame }));
    }
    const tint = /^linear-gradient\((rgba?\([^)]*\))/.exec(style.backgroundImage), size = style.backgroundSize.split(" ").map(parseFloat);
    if (tint && size[0] > 0) { // the bar that shows a number's share
      const w = (box.width * size[0]) / 100;
      this.svg.append(svgElement("rect", { x: place.x + box.width - w, y: place.y + box.height - size[1], width: w, height: size[1], fill: tint[1] }));
    }
    if (isFramed) return;
    const { x, y, width: w, height: h } = place;
    const lines = [[x, y, x + w, y], [x + w, y, x + w, y + h], [x, y + h, x + w, y + h], [x, y, x, y + h]];
    sides.forEach(([thickness, tone], side) => {
      if (!thickness || isClear(tone)) return;
      const [x1, y1, x2, y2] = lines[side];
      this.svg.append(svgElement("line", { x1, y1, x2, y2, stroke: tone, "stroke-width": thickness }));
    });
  }

  paintCanvas(canvas, box, style) {
    const place = this.placeOf(box);
    if (redraws.has(canvas.id)) {
      const group = svgElement("svg", { ...place });
      redraws.get(canvas.id)(new SvgContext(group), Math.round(box.width), Math.round(box.height));
      return void this.svg.append(group);
    }
    const image = svgElement("image", { ...place, preserveAspectRatio: "none", href: canvas.toDataURL() });
    const parent = canvas.parentElement, isOwn = parseFloat(style.borderTopLeftRadius) > 0;
    const around = isOwn ? style : getComputedStyle(parent), radius = around.borderTopLeftRadius;
    if (isOwn || (around.overflow !== "visible" && parseFloat(radius) > 0)) {
      const frame = isOwn ? place : this.placeOf(parent.getBoundingClientRect());
      const clip = svgElement("clipPath", { id: `corner-${(this.clips += 1)}` });
      clip.append(svgElement("rect", { ...frame, rx: radius.endsWith("%") ? (parseFloat(radius) / 100) * frame.width : parseFloat(radius) }));
      this.svg.append(clip);
      image.setAttribute("clip-path", `url(#corner-${this.clips})`);
    }
    return void this.svg.append(image);
  }

  // A drawing within the panel, with its colours in it.
  drawingOf(svg, box) {
    const copy = styledCopy(svg), place = this.placeOf(box);
    for (const [name, setting] of Object.entries(place)) copy.setAttribute(name, setting);
    return copy;
  }

  // Text line by line, as the browser has broken it.
  paintLines(node, style) {
    const words = [...node.data.matchAll(/\S+/g)], range = document.createRange();
    let line = null;
    for (const word of words) {
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      for (const box of range.getClientRects()) {
        if (!box.width || (line && box.left < line.box.right && box.top === line.box.top)) continue;
        if (line && Math.abs(box.top - line.box.top) < 2) {
          line.text += ` ${word[0]}`;
          line.box = new DOMRect(line.box.left, line.box.top, box.right - line.box.left, box.height);
        } else {
          if (line) this.addText(line.text, line.box, style);
          line = { text: word[0], box };
        }
      }
    }
    if (line) this.addText(style.textOverflow === "ellipsis" ? this.shortened(line.text, node.parentElement, style) : line.text, line.box, style);
  }

  // Text that the browser has cut, with the same sign of that.
  shortened(text, at, style) {
    if (at.scrollWidth <= at.clientWidth) return text;
    this.measure.font = fontOf(style);
    let length = text.length;
    while (length > 1 && this.measure.measureText(`${text.slice(0, length)}…`).width > at.clientWidth) length -= 1;
    return `${text.slice(0, length)}…`;
  }

  paintText(text, box, style, at) {
    if (!text) return;
    const font = fontOf(style), room = parseFloat(style.paddingLeft) + parseFloat(style.borderLeftWidth);
    this.measure.font = font;
    const w = this.measure.measureText(text).width, h = parseFloat(style.fontSize) * 1.2;
    const left = style.textAlign === "right" || style.textAlign === "end" ? box.right - room - w : box.left + room;
    this.addText(text, new DOMRect(left, box.top + (box.height - h) / 2, w, h), getComputedStyle(at));
  }

  addText(text, box, style) {
    const place = this.placeOf(box), font = fontOf(style);
    this.measure.font = font;
    const { fontBoundingBoxAscent: up, fontBoundingBoxDescent: down } = this.measure.measureText(text);
    const attributes = { x: place.x, y: toHundredths(place.y + (place.height - up - down) / 2 + up), fill: style.color, style: `font:${font}` };
    if (text.length > 1) Object.assign(attributes, { textLength: place.width, lengthAdjust: "spacingAndGlyphs" }); // also in another font
    const made = svgElement("text", attributes);
    made.textContent = text;
    this.svg.append(made);
  }
}

function fontOf({ fontStyle, fontWeight, fontSize, fontFamily }) {
  return `${fontStyle} ${fontWeight} ${fontSize} ${fontFamily}`;
}

const KEPT = ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-opacity", "fill-opacity", "opacity", "font-size", "font-weight", "font-family", "text-anchor", "paint-order"];

// A drawing with the colours of the style sheet in it; whole, also while another view covers it.
function styledCopy(svg) {
  const isCovered = getComputedStyle(svg).visibility === "hidden";
  const copy = svg.cloneNode(true), from = svg.querySelectorAll("*"), to = copy.querySelectorAll("*");
  from.forEach((each, index) => {
    const style = getComputedStyle(each), made = to[index];
    if (style.display === "none" || (style.visibility === "hidden" && !isCovered)) return made.setAttribute("display", "none");
    if (each.tagName === "g") return undefined;
    for (const property of KEPT) made.setAttribute(property, style.getPropertyValue(property));
    return undefined;
  });
  copy.removeAttribute("style");
  return copy;
}

// The drawing of the graph, whole.
function graphPicture() {
  const copy = styledCopy(drawing), { w, h } = drawingSize;
  for (const [name, setting] of [["viewBox", `0 0 ${w} ${h}`], ["width", w], ["height", h]]) copy.setAttribute(name, setting);
  copy.prepend(svgElement("rect", { width: w, height: h, fill: css(colour("card")) }));
  return new XMLSerializer().serializeToString(copy);
}

// ---- every panel that there is

// Each has a title, and what shows it if it is hidden behind a tab.
function panels() {
  const cards = [...document.querySelectorAll("main .card:not(.tables)")].filter((card) => card.getClientRects().length);
  const found = cards.map((card) => ({ title: titleOf(card), svg: () => new Picture(card).text }));
  const tabs = TABS.map((tab) => ({ title: byId(`${tab}-tab`).textContent, svg: () => tabPicture(tab) }));
  return [{ title: "Whole graph", svg: graphPicture }, ...found, ...tabs];
}

function titleOf(card) {
  const heading = card.querySelector("h2").cloneNode(true);
  for (const control of heading.querySelectorAll("label, button")) control.remove();
  return heading.textContent.trim().replace(/\s+/g, " ");
}

function tabPicture(tab) {
  const chosen = TABS.find((each) => !byId(`${each}-panel`).hidden), card = byId("tables-card"), wasHidden = getComputedStyle(card).display === "none";
  if (wasHidden) card.style.display = "flex";
  showTab(tab);
  showTables();
  const svg = new Picture(byId(`${tab}-panel`)).text;
  showTab(chosen);
  card.style.display = "";
  return svg;
}

function fileName(title, ending) {
  return `${title.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "") || "panel"}.${ending}`;
}

function savePng(svg, file) {
  const image = new Image();
  image.onload = () => {
    const { naturalWidth: w, naturalHeight: h } = image, scale = Math.min(PICTURE_SCALE, LARGEST_PNG / Math.max(w, h));
    const canvas = element("canvas", { width: Math.round(w * scale), height: Math.round(h * scale) });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => download(file, blob));
  };
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
}

function listPanels() {
  byId("panel-pictures").replaceChildren(...panels().map(({ title, svg }) => element("li", {},
    element("span", {}, title),
    element("button", { type: "button", "aria-label": `${title} as SVG`, onclick: () => download(fileName(title, "svg"), svg(), "image/svg+xml") }, "SVG"),
    element("button", { type: "button", "aria-label": `${title} as PNG`, onclick: () => savePng(svg(), fileName(title, "png")) }, "PNG"))));
}
