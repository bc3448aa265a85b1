// ---- the loss curve, and rewinding ----------------------------------------------------------

const curve = byId("curve");

function showCurve() {
  const { context, across, down } = fitted(curve);
  drawCurve(context, across, down);
}

function drawCurve(context, across, down) {
  const { timeline } = app;
  const area = { left: 62, right: across - 14, top: 10, bottom: down - 24 };
  const latest = timeline.latest, last = Math.max(latest, 1), log = byId("log-scale").checked;
  const losses = timeline.losses;
  const lossAt = (epoch) => (epoch === timeline.epoch ? app.measured.loss : losses[epoch]);
  const stride = Math.max(1, Math.floor((latest + 1) / 1200));
  let [low, high] = [Infinity, -Infinity];
  const points = [];
  for (let epoch = 0; epoch <= latest; epoch += stride) {
    if (epoch === latest && epoch !== timeline.epoch) break;
    points.push([epoch, lossAt(epoch)]);
  }
  if (timeline.epoch === latest) points.push([latest, app.measured.loss]);
  for (const [, loss] of points) if (Number.isFinite(loss)) [low, high] = [Math.min(low, loss), Math.max(high, loss)];
  const compared = comparedLosses(last);
  for (const [, loss] of compared) if (Number.isFinite(loss)) [low, high] = [Math.min(low, loss), Math.max(high, loss)];
  if (!Number.isFinite(low)) [low, high] = [0, 1];
  if (log) [low, high] = [Math.max(low, 1e-12) * 0.8, Math.max(high, 1e-12) * 1.25];
  else [low, high] = [Math.min(0, low), high * 1.08 || 1];
  const scaled = (loss) => (log ? Math.log10(Math.max(loss, 1e-12)) : loss);
  const toX = (epoch) => area.left + (epoch / last) * (area.right - area.left);
  const toY = (loss) => area.bottom - ((scaled(loss) - scaled(low)) / (scaled(high) - scaled(low))) * (area.bottom - area.top);
  context.clearRect(0, 0, across, down);
  drawScales(context, area, low, high, last, log, toX, toY);
  drawEdits(context, area, toX);
  drawRunBefore(context, area, toX, toY);
  drawComparedLosses(context, compared, area, toX, toY);
  drawLosses(context, points, area, toX, toY);
  drawNow(context, area, toX(timeline.epoch), toY(app.measured.loss));
  curve.lastArea = area;
}

function drawEdits(context, area, toX) {
  context.fillStyle = css(colour("lit-ink"));
  for (const epoch of new Set(app.timeline.edits.map((edit) => edit.epoch))) {
    if (epoch > app.timeline.latest) continue;
    context.beginPath();
    context.moveTo(toX(epoch), area.bottom);
    context.lineTo(toX(epoch) - 5, area.bottom + 8);
    context.lineTo(toX(epoch) + 5, area.bottom + 8);
    context.fill();
  }
}

// What undo brings back, behind the run that is shown: the losses of the run that it came from.
function drawRunBefore(context, area, toX, toY) {
  const { from, timeline, epoch } = runs.now;
  if (!from) return;
  const end = Math.min(from.timeline.latest, Math.max(timeline.latest, 1) + 1), stride = Math.max(1, Math.floor((end - epoch) / 600));
  const points = [];
  for (let at = epoch; at < end; at += stride) points.push([at, from.timeline.losses[at]]);
  context.setLineDash([3, 5]);
  drawLosses(context, points, area, toX, toY, css(colour("soft")), 2);
  context.setLineDash([]);
}

function drawLosses(context, points, area, toX, toY, stroke = css(colour("accent")), thickness = 3) {
  context.save();
  context.beginPath();
  context.rect(area.left, area.top - 4, area.right - area.left + 4, area.bottom - area.top + 8);
  context.clip();
  context.beginPath();
  points.forEach(([epoch, loss], index) => context[index ? "lineTo" : "moveTo"](toX(epoch), toY(loss)));
  context.strokeStyle = stroke;
  context.lineWidth = thickness;
  context.lineJoin = "round";
  context.stroke();
  context.restore();
}

function drawNow(context, area, x, y) {
  context.beginPath();
  context.moveTo(x, area.top);
  context.lineTo(x, area.bottom);
  context.strokeStyle = css(colour("ink"), 0.6);
  context.lineWidth = 1.5;
  context.stroke();
  if (!Number.isFinite(y)) return;
  context.beginPath();
  context.arc(x, y, 6, 0, 2 * Math.PI);
  context.fillStyle = css(colour("accent"));
  context.fill();
  context.strokeStyle = css(colour("card"));
  context.lineWidth = 2.5;
  context.stroke();
}

function showTimeline() {
  const slider = byId("timeline"), { epoch, latest } = app.timeline;
  if (Number(slider.max) !== latest) slider.max = latest;
  if (Number(slider.value) !== epoch) slider.value = epoch;
  slider.setAttribute("aria-valuetext", `epoch ${epoch} of ${latest}`);
  if (document.activeElement !== byId("epoch-field")) byId("epoch-field").value = epoch;
  byId("to-start").disabled = epoch === 0;
  byId("to-end").disabled = epoch === latest;
  setText(byId("curve-text"), `Loss ${shown(app.measured.loss)} at epoch ${epoch} of ${latest} trained.`);
}

function rewindTo(epoch) {
  pause();
  leaveSteps();
  app.timeline.goTo(epoch);
  refresh();
}

function watchCurve() {
  const toEpoch = (event) => {
    const box = curve.getBoundingClientRect(), area = curve.lastArea;
    const part = (event.clientX - box.left - area.left) / (area.right - area.left);
    rewindTo(Math.round(Math.max(0, Math.min(1, part)) * app.timeline.latest));
  };
  redraws.set("curve", drawCurve);
  // A finger may be about to scroll the page: it rewinds where it goes sideways, or taps.
  let begun = null;
  curve.addEventListener("pointerdown", (event) => {
    const isFinger = event.pointerType === "touch";
    begun = { x: event.clientX, y: event.clientY, isSure: !isFinger };
    if (isFinger) return;
    curve.setPointerCapture(event.pointerId);
    toEpoch(event);
  });
  curve.addEventListener("pointermove", (event) => {
    if (!begun || !event.buttons) return;
    const [across, down] = [Math.abs(event.clientX - begun.x), Math.abs(event.clientY - begun.y)];
    begun.isSure ||= across > 10 && across > 2 * down;
    if (begun.isSure) toEpoch(event);
  });
  curve.addEventListener("pointerup", (event) => { if (begun) toEpoch(event); });
  for (const name of ["pointerup", "pointercancel"]) curve.addEventListener(name, () => { begun = null; });
  byId("timeline").addEventListener("input", (event) => rewindTo(Number(event.target.value)));
  byId("to-start").addEventListener("click", () => rewindTo(0));
  byId("to-end").addEventListener("click", () => rewindTo(app.timeline.latest));
  byId("log-scale").addEventListener("change", refresh);
  byId("epoch-field").addEventListener("change", (event) => goOnTo(event.target.value));
}

// An epoch that was typed: rewind to it, or train up to it.
function goOnTo(text) {
  const epoch = /^\d{1,9}$/.test(text.replaceAll(",", "").trim()) ? Number(text.replaceAll(",", "")) : null;
  if (epoch === null || epoch > MOST_EPOCHS) {
    tell(`An epoch is a whole number from 0 to ${counted(MOST_EPOCHS)}.`);
    byId("epoch-field").value = app.timeline.epoch;
    return;
  }
  tell("");
  if (epoch <= app.timeline.latest) rewindTo(epoch);
  else trainTo(epoch);
}
