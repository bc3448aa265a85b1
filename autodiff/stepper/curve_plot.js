// ---- a curve, its tangent, and two points of it -------------------------------------------------

const PLOT = { width: 360, height: 190, edge: 12, points: 121, head: 9 };

// Where a number lies between two others, from 0 to 1; their difference may be beyond all numbers.
function shareOf(number, low, high) {
  return (number / 2 - low / 2) / (high / 2 - low / 2 || 1);
}

// Draw ys over xs, which go up; the tangent at a point of the curve, {x, y, slope}; and another point,
// {x, y}, with an arrow to it if there is one. Returns the lowest and the highest number.
function plotCurve(plot, xs, ys, at, now, hasArrow = false) {
  const { width: across, height: down, edge } = PLOT, [from, to] = [xs[0], xs[xs.length - 1]];
  const finite = [...ys, at.y, now.y].filter(Number.isFinite);
  const low = Math.min(...finite), high = Math.max(...finite), room = 0.07;
  const toX = (x) => edge + shareOf(x, from, to) * (across - 2 * edge);
  const toY = (y) => down - edge - (room + (1 - 2 * room) * between(-100, low < high ? shareOf(y, low, high) : 0.5 + Math.sign(y - low) * Math.min(0.5, Math.abs(y - low)), 100)) * (down - 2 * edge);
  const path = xs.map((x, k) => (Number.isFinite(ys[k]) ? `${k && Number.isFinite(ys[k - 1]) ? "L" : "M"}${toX(x).toFixed(1)} ${toY(ys[k]).toFixed(1)}` : "")).join("");
  const tangent = [from, to].map((x) => `${toX(x).toFixed(1)} ${toY(at.y + at.slope * (x - at.x)).toFixed(1)}`);
  const isTangent = [at.x, at.y, at.slope, at.slope * (from - at.x), at.slope * (to - at.x)].every(Number.isFinite);
  const isNow = Number.isFinite(now.y) && Number.isFinite(now.x);
  plot.replaceChildren(
    svgElement("rect", { class: "plot-frame", x: 1, y: 1, width: across - 2, height: down - 2, rx: 6 }),
    svgElement("path", { class: "plot-curve", d: path }),
    ...(isTangent ? [svgElement("path", { class: "plot-tangent", d: `M${tangent[0]}L${tangent[1]}` })] : []),
    ...(hasArrow && isNow && isTangent ? arrowBetween(toX(at.x), toY(at.y), toX(now.x), toY(now.y)) : []),
    ...(isTangent ? [svgElement("circle", { class: "plot-start", cx: toX(at.x), cy: toY(at.y), r: 5 })] : []),
    ...(isNow ? [svgElement("circle", { class: "plot-now", cx: toX(now.x), cy: toY(now.y), r: hasArrow ? 5 : 7 })] : []));
  return { low, high };
}

// None where the points lie too near to each other for its head.
function arrowBetween(x, y, toX, toY) {
  const length = Math.hypot(toX - x, toY - y), { head } = PLOT;
  if (length < 2 * head) return [];
  const [dx, dy] = [(toX - x) / length, (toY - y) / length], tip = [toX - 5 * dx, toY - 5 * dy], back = [tip[0] - head * dx, tip[1] - head * dy];
  const points = [tip, [back[0] - 0.6 * head * dy, back[1] + 0.6 * head * dx], [back[0] + 0.6 * head * dy, back[1] - 0.6 * head * dx]];
  return [
    svgElement("path", { class: "plot-arrow", d: `M${x.toFixed(1)} ${y.toFixed(1)}L${back.map((each) => each.toFixed(1)).join(" ")}` }),
    svgElement("polygon", { class: "plot-arrow-head", points: points.map((point) => point.map((each) => each.toFixed(1)).join(",")).join(" ") }),
  ];
}
