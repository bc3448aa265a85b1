// ---- the loss of each step, and the mean of the last ----------------------------------------

const curve = byId("curve");

function showCurve() {
  const { context, across, down } = fitted(curve), { losses } = app.training;
  const area = { left: 50, right: across - 10, top: 10, bottom: down - 28 };
  const last = Math.max(data.steps, 1), high = 1.15 * Math.max(data.chance, ...means(losses)), low = 0;
  const toX = (step) => area.left + (step / last) * (area.right - area.left);
  const toY = (loss) => area.bottom - (Math.min(loss, high) / high) * (area.bottom - area.top);
  context.clearRect(0, 0, across, down);
  drawScales(context, area, low, high, last, false, toX, toY, 16);
  drawChance(context, area, toY(data.chance));
  context.fillStyle = css(colour("soft"), 0.55);
  losses.forEach((loss, index) => context.fillRect(toX(index + 1) - 1.5, toY(loss) - 1.5, 3, 3));
  context.beginPath();
  means(losses).forEach((loss, index) => context[index ? "lineTo" : "moveTo"](toX(index + 1), toY(loss)));
  context.strokeStyle = css(colour("accent"));
  context.lineWidth = 4;
  context.lineJoin = "round";
  context.stroke();
  setText(byId("curve-text"), `Mean loss of the last ${data.smoothed} words ${shownMean(losses)} at step ${losses.length} of ${data.steps}; who guesses has ${shown(data.chance)}.`);
}

// The mean of the last losses for each step; each is computed once.
const smoothedLosses = [];
function means(losses) {
  if (smoothedLosses.length > losses.length) smoothedLosses.length = 0;
  while (smoothedLosses.length < losses.length) smoothedLosses.push(smoothed(losses, smoothedLosses.length + 1));
  return smoothedLosses;
}

function drawChance(context, area, y) {
  context.save();
  context.setLineDash([8, 6]);
  context.strokeStyle = context.fillStyle = css(colour("ink"), 0.75);
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(area.left, y);
  context.lineTo(area.right, y);
  context.stroke();
  context.textAlign = "right";
  context.fillText("guessing", area.right, y - 6);
  context.restore();
}
