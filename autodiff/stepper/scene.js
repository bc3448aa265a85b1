// ---- what is open of the graph --------------------------------------------------------------------

// A scene is what is drawn and stepped through: the whole graph, or what one fold holds, in which other
// folds are closed.  A node's box has its place as its id; that of fold 3 is -3, and several inputs
// that the same boxes use have one box with an id below those.
//
// computedAt   after so many forward steps each node is computed (-1: before)
// doneAt       after so many backward steps each contribution is added (-1: before; Infinity: never)
let scene = null;
let allSteps = [];

const folds = data.folds && { ...data.folds, outer: countsOf(data.folds.outer), of: runningCountsOf(data.folds.of), computed: runningCountsOf(data.folds.computed), lines: countsOf(data.source.calls) };

function flatScene() {
  const forward = data.nodes.filter((node) => node.formula).map((node, at) => ({ phase: "forward", node: node.place, at }));
  const computedAt = new Float64Array(nodeCount).fill(-1);
  for (const step of forward) computedAt[step.node - 1] = step.at;
  return {
    fold: 0, computedAt, doneAt: Float64Array.from(data.steps, (_, index) => index),
    steps: [...forward, { phase: "start" }, ...data.steps.map((_, index) => ({ phase: "backward", index, at: index }))],
    boxOf: (place) => place,
    arrowOf: (node, position) => `${node}.${position}`,
  };
}

function setScene(fold) {
  scene = folds ? foldedScene(fold) : flatScene();
  allSteps = [...scene.steps, ...further.steps];
  if (folds) drawScene();
  readDrawing();
}

function isFold(id) {
  return Boolean(folds) && id < 0 && id > -folds.titles.length;
}

function isLeaf(place) {
  return data.nodes[place - 1].made < 0;
}

function countedNouns(count, noun) {
  return `${counted(count)} ${noun}${count === 1 ? "" : "s"}`;
}
