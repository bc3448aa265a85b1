// ---- the scales of a curve ------------------------------------------------------------------

function drawScales(context, area, low, high, last, log, toX, toY, size = 13) {
  context.font = `${size}px system-ui, sans-serif`;
  context.strokeStyle = css(colour("line"));
  context.fillStyle = css(colour("soft"));
  context.lineWidth = 1;
  context.textAlign = "right";
  for (const tick of log ? decades(low, high) : steps(low, high, 4)) {
    context.beginPath();
    context.moveTo(area.left, toY(tick));
    context.lineTo(area.right, toY(tick));
    context.stroke();
    context.fillText(shown(tick, 3), area.left - 7, toY(tick) + 4);
  }
  context.textAlign = "center";
  for (const tick of steps(0, last, Math.max(2, Math.floor((area.right - area.left) / 90)))) {
    if (Number.isInteger(tick)) context.fillText(counted(tick), Math.min(toX(tick), area.right - 18), area.bottom + size + 4);
  }
}

// Round numbers between two others, about so many.
function steps(low, high, count) {
  const rough = (high - low) / count, unit = 10 ** Math.floor(Math.log10(rough));
  const stride = [1, 2, 5, 10].map((m) => m * unit).find((each) => each >= rough) || unit;
  const found = [];
  for (let tick = Math.ceil(low / stride); tick * stride <= high; tick += 1) found.push(Number((tick * stride).toPrecision(12)));
  return found;
}

function decades(low, high) {
  const found = [];
  for (let power = Math.ceil(Math.log10(low)); 10 ** power <= high; power += 1) found.push(10 ** power);
  return found.length ? found : [Number(low.toPrecision(2)), Number(high.toPrecision(2))];
}
