// ---- a walk through the steps, by itself or by a person --------------------------------------

const WALK_MS = 1600; // a step of a walk by itself
let walking = 0; // its timer

function toggleWalk() {
  if (walking) return endWalk();
  if (app.step === null) enterSteps();
  else if (app.step + 1 === allSteps.length) showStep(0);
  else if (!app.isAsking) showStep(app.step + 1);
  walking = setInterval(walk, WALK_MS);
  return showWalking();
}

function walk() {
  if (app.step === null || app.isAsking || app.step + 1 === allSteps.length) endWalk();
  else showStep(app.step + 1);
}

function endWalk() {
  clearInterval(walking);
  walking = 0;
  showWalking();
}

function showWalking() {
  setText(byId("walk").querySelector(".label"), walking ? "Pause" : "Play");
}

function stepBy(count) {
  endWalk();
  if (app.isAsking && count > 0) {
    tell("Tell the number first, or press “Show it”.");
    return byId("answer")?.focus();
  }
  tell("");
  if (app.waiting !== null) return enterSteps(app.waiting + count);
  if (app.step === null) return count > 0 ? enterSteps() : enterSteps(allSteps.length - 1);
  return count > 0 ? nextStep() : previousStep();
}
