// ---- for a class: a presentation, and paper --------------------------------------------------

// What a class looks at, as large as it can be; the keys and a clicker work as ever.
function present() {
  const isOn = !document.body.classList.contains("presenting");
  setPresenting(isOn);
  if (isOn) document.documentElement.requestFullscreen?.().catch(() => {}); // a large view is a help without it, too
  else if (document.fullscreenElement) document.exitFullscreen();
}

function setPresenting(isOn) {
  document.body.classList.toggle("presenting", isOn);
  byId("present").setAttribute("aria-pressed", String(isOn));
  if (app.step === null) lookAtAll(true);
  else lookAt(...litBy(allSteps[app.step]), true);
  say(isOn ? "Presentation. Z or Escape ends it." : "All panels again");
  refresh();
}

// Paper is white, and has the whole graph and both tables.
let themeOnScreen = null;

function beforePrint() {
  themeOnScreen = document.documentElement.dataset.theme ?? "";
  document.documentElement.dataset.theme = "light";
  themeChanged();
  document.body.classList.add("on-paper"); // what is placed by the pixel has a sheet's width
  if (app.step === null) lookAtAll(true);
  showFrame(performance.now());
  showWeights();
  showData();
}

function afterPrint() {
  if (themeOnScreen) document.documentElement.dataset.theme = themeOnScreen;
  else delete document.documentElement.dataset.theme;
  document.body.classList.remove("on-paper");
  themeChanged();
}

function watchPresentation() {
  document.addEventListener("fullscreenchange", () => { if (!document.fullscreenElement) setPresenting(false); });
  window.addEventListener("beforeprint", beforePrint);
  window.addEventListener("afterprint", afterPrint);
}
