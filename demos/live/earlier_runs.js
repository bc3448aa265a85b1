// ---- the runs of networks that were shown before ---------------------------------------------

// Another network loads the page anew.  The runs of the one before are kept as addresses, by the
// browser, for as long as the tab is there: their numbers are trained again when they are asked for.
const EARLIER = `runs of ${location.pathname}`;
const earlierRuns = readEarlierRuns();

function readEarlierRuns() {
  try {
    return JSON.parse(sessionStorage.getItem(EARLIER)) || [];
  } catch {
    return []; // the browser keeps nothing
  }
}

function keepRuns() {
  const own = runs.all.filter(({ timeline, from }) => from || timeline.latest || timeline.edits.length).map(asEarlier);
  const once = new Map([...earlierRuns, ...own].map((run) => [run.hash, run])); // a page loaded again has a run that is kept
  try {
    sessionStorage.setItem(EARLIER, JSON.stringify([...once.values()].slice(-MOST_RUNS)));
  } catch {
    // there is no room: Back leads to the moment that was shown
  }
}

function asEarlier({ timeline, what, seed, moment }) {
  const state = { ...currentState(), timeline, scene: null, step: null, selected: 0, seed, moment, epoch: timeline.latest, edits: timeline.edits };
  return { name: `${data.title}, ${data.network}: ${what}`, state: trainedText(timeline), hash: addressOf(state).hash };
}

// Whether this page was loaded because its network was built in the one before.
function isBuilt() {
  return Boolean(history.state?.isBuilt);
}

function loadNetwork(address) {
  try {
    history.pushState({ isBuilt: true }, "", address ? `#${address}` : location.pathname + location.search);
    location.reload();
  } catch {
    location.hash = address; // some browsers forbid it for a file
  }
}

function showEarlierRuns() {
  byId("earlier").hidden = !earlierRuns.length;
  for (const { name, state, hash } of earlierRuns) {
    const button = element("button", { type: "button", onclick: () => { location.hash = hash || "#"; } }, element("span", {}, name), element("small", {}, state));
    byId("earlier-runs").append(element("li", {}, button));
  }
  if (isBuilt() && earlierRuns.length) tell(`Another network. ${countedNouns(earlierRuns.length, "run")} before it ${earlierRuns.length === 1 ? "is" : "are"} kept in History; Undo (Ctrl+Z) leads back.`);
}

function watchEarlierRuns() {
  showEarlierRuns();
  window.addEventListener("pagehide", keepRuns);
}
