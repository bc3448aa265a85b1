// ---- a lesson in five scenes, each a link ----------------------------------------------------------

const SATURATED = { sigmoid: 8, tanh: 8, relu: -20, softplus: -20, gelu: -20 }; // biases at which these are flat
const SEARCH = { starts: 40, epochs: 20000, epochsOfMany: 2000, few: 8 };

// Each has its text and its moment: what an address would say of it.
const SCENES = [
  { key: "forward", title: "Forward", text: () => "A row goes in at the left. Press Next: each layer adds its inputs, each times a weight, and bends the sum. Behind the output stands one number that says how wrong it was. Choose another row, and see which neurons answer.", moment: () => ({ step: 0, byLayer: true }) },
  { key: "chain-rule", title: "The chain rule", text: () => "What reaches a number is multiplied with one local derivative, and handed on. Press Next to follow it to the weights. Where a number is used several times, what comes back is added: press Esc and click an input.", moment: () => ({ step: stepThroughHidden() }) },
  { key: "update", title: "The update", text: () => `The rows disagree: each has a gradient of its own. Their mean decides. Press Next for the arrow from w to w − lr × mean, then Update. Then leave with Esc, set the learning rate to 500, and press +1 epoch some times.`, moment: () => ({ step: layerSteps.length - 2, byLayer: true }) },
  { key: "saturation", title: "Saturation", text: saturationText, moment: () => ({ step: stepThroughHidden(), edits: saturatedBiases() }) },
  { key: "stuck", title: "A seed that does not learn", text: stuckText, moment: () => ({}) },
];

const search = { seed: null, job: null, timer: 0 };

function hasScenes() {
  return hasNetwork() && data.layers.length > 1;
}

function sceneCalled(key) {
  return hasScenes() ? SCENES.find((each) => each.key === key) || null : null;
}

function addressOfScene({ key }) {
  return `#${[addressOfNetwork(data.asked), `scene=${key}`].filter(Boolean).join("&")}`;
}

// The step that goes back through the first hidden neuron's activation.
function stepThroughHidden() {
  const [{ node, sum }] = data.layers[0];
  const index = data.steps.findIndex((step) => (node === sum ? step.node === node : step.node === node && step.parent === sum));
  return [...scene.steps, ...further.steps].findIndex((step) => step.phase === "backward" && step.index === index);
}

// ---- saturation

function activationOfHidden() {
  const [{ node, sum }] = data.layers[0];
  return node === sum ? "" : data.nodes[node - 1].formula[0].replace("(", "");
}

function saturatedBiases() {
  const number = SATURATED[activationOfHidden()];
  if (number === undefined) return [];
  return data.layers[0].map(({ bias }) => ({ epoch: 0, kind: "w", index: data.weights.findIndex((weight) => weight.node === bias), number })).filter(({ index }) => index >= 0);
}

function saturationText() {
  const activation = activationOfHidden(), number = SATURATED[activation];
  if (number === undefined) return `${activation || "A linear neuron"} is flat nowhere, so nothing saturates here. Choose sigmoid or tanh with “Change the network”.`;
  return `Every hidden neuron has a bias of ${shown(number)} now: it is where ${activation} is flat, and gives nearly the same for all rows. Its slope there is nearly 0, and what goes back is multiplied by that. Press Esc, then +1,000: the weights of the hidden layer hardly move.`;
}

// ---- a seed that does not learn

function epochsOfSearch() {
  return data.rows.length <= SEARCH.few ? SEARCH.epochs : SEARCH.epochsOfMany;
}

function stuckText() {
  const epochs = counted(epochsOfSearch());
  if (!data.draws || !data.classes.length) return "This network has no seeds, or its targets are no classes, so there is none to look for.";
  if (search.seed !== null) return `Seed ${search.seed}: after ${epochs} epochs not all rows are on their side. ${search.seed ? `Seeds 0 to ${search.seed - 1} have learned them by then. ` : ""}Look at what the neurons see: which of them do the same work twice? Press +1,000 some times: is it stuck, or slow? Then press “New random start”.`;
  if (!search.job) return `The first ${SEARCH.starts} seeds have all learned after ${epochs} epochs. Try fewer neurons or another learning rate with “Change the network”.`;
  return `Looking for it: ${SEARCH.starts} seeds are trained for ${epochs} epochs, ${Math.floor((100 * search.job.done) / (SEARCH.starts * epochsOfSearch()))} % …`;
}

// An address has the seed that was found.
function beginSearch(seed) {
  clearTimeout(search.timer);
  const isKnown = seed !== null || !data.draws || !data.classes.length;
  Object.assign(search, { seed, job: isKnown ? null : new OftenJob(SEARCH.starts, epochsOfSearch()) });
  if (search.job) goOnSearching();
}

// Many seeds together, out of sight, with the learning rate and the data of now.
function goOnSearching() {
  const { job } = search;
  if (app.scene?.key !== "stuck") return;
  if (!job.go(performance.now() + OFTEN_MS)) {
    search.timer = setTimeout(goOnSearching, 0);
    showScene();
    return;
  }
  const seed = job.learned.indexOf(false);
  Object.assign(search, { seed: seed < 0 ? null : seed, job: null });
  if (seed >= 0) {
    restart(seed, null);
    trainTo(epochsOfSearch());
  }
  refresh();
}

// ---- what is shown of a scene

function makeScenes() {
  if (!hasScenes()) return;
  const close = element("button", { type: "button", "aria-label": "Leave the scenes", onclick: () => { app.scene = null; refresh(); settle(); } }, "✕");
  byId("step-progress").before(element("section", { id: "scene-bar", "aria-labelledby": "scene-title", hidden: true },
    element("div", { class: "card-head" }, element("h3", { id: "scene-title" }), element("nav", { id: "scene-links", "aria-label": "Scenes" }), close),
    element("p", { id: "scene-text" })));
}

function showScene() {
  const bar = byId("scene-bar");
  if (!bar) return;
  bar.hidden = !app.scene;
  document.body.classList.toggle("in-scene", !bar.hidden);
  if (!app.scene) return;
  const at = SCENES.indexOf(app.scene);
  setText(byId("scene-title"), `Scene ${at + 1} of ${SCENES.length}: ${app.scene.title}`);
  setText(byId("scene-text"), app.scene.text());
  if (bar.dataset.scene === app.scene.key) return;
  bar.dataset.scene = app.scene.key;
  byId("scene-links").replaceChildren(...[[at - 1, "←"], [at + 1, "→"]].filter(([to]) => SCENES[to]).map(([to, sign]) => sceneLink(SCENES[to], to < at ? `${sign} ${SCENES[to].title}` : `${SCENES[to].title} ${sign}`)));
}

function sceneLink(each, text) {
  return element("a", { href: addressOfScene(each) }, text);
}

// What is offered at rest.
function scenesOffered() {
  if (!hasScenes()) return [];
  return [element("p", { class: "scenes" }, "A lesson in five scenes: ", ...SCENES.flatMap((each, at) => [at ? " · " : "", sceneLink(each, `${at + 1} ${each.title}`)]))];
}
