// ---- what a fold holds

const MANY_BOXES = 90; // from here on inputs of the same boxes are one, also those of single results

// For each place in `computed` what is known of the whole graph once.
const known = {
  order: orderOfResults(), // of each node where it is computed; -1 for leaves
  users: usersOfNodes(),
  firstUse: firstUses(),
  stepOfUse: stepsOfUses(),
};

function orderOfResults() {
  const order = new Int32Array(nodeCount).fill(-1);
  folds.computed.forEach((place, at) => { order[place - 1] = at; });
  return order;
}

function usersOfNodes() {
  const users = data.nodes.map(() => []);
  for (const { place, parents } of data.nodes) for (const parent of parents) users[parent - 1].push(place);
  return users;
}

function firstUses() {
  let count = 0;
  return data.nodes.map(({ parents }) => {
    count += parents.length;
    return count - parents.length;
  });
}

// The backward step of each use; -1 where nothing flows back.
function stepsOfUses() {
  const firsts = firstUses(), last = data.nodes[nodeCount - 1];
  const found = new Int32Array(firsts[nodeCount - 1] + last.parents.length).fill(-1);
  data.steps.forEach(({ node, position }, index) => { found[firsts[node - 1] + position] = index; });
  return found;
}

function foldedScene(fold) {
  const made = { fold, boxes: new Map(), arrows: new Map(), computedAt: new Float64Array(nodeCount).fill(-1), doneAt: new Float64Array(data.steps.length).fill(-1) };
  made.inner = innerFolds(fold);
  made.names = namesIn(fold);
  made.results = folds.computed.filter((place) => made.inner[folds.of[place - 1]] >= 0);
  made.boxOf = (place) => made.owner.get(place);
  made.arrowOf = (node, position) => {
    const to = made.boxOf(node), from = made.boxOf(data.nodes[node - 1].parents[position]);
    return to > 0 && from > 0 ? `${node}.${position}` : `${to}<${from}`;
  };
  readResults(made);
  readInputs(made);
  readArrows(made);
  made.steps = stepsOf(made);
  return made;
}

// For each fold in which fold of this scene it is: 0 is the scene itself, -1 outside.
function innerFolds(fold) {
  const inner = new Int32Array(folds.titles.length).fill(-1);
  inner[fold] = 0;
  for (let each = fold + 1; each < inner.length; each += 1) {
    const around = folds.outer[each];
    if (around >= fold && inner[around] >= 0) inner[each] = around === fold ? each : inner[around];
  }
  return inner;
}

// What the call that is open, or is around that, calls results.
function namesIn(fold) {
  const names = new Map();
  let around = fold;
  while (around && !data.folds.names[around]) around = folds.outer[around];
  for (const [text, places] of data.folds.names[around] || []) {
    if (Array.isArray(places)) places.forEach((place, index) => names.set(place, `${text}[${index}]`));
    else names.set(places, text);
  }
  return names;
}

// A box for each result and each closed fold, in the order in which they are computed.
function readResults(made) {
  made.owner = new Map();
  for (const place of made.results) {
    const id = made.inner[folds.of[place - 1]] > 0 ? -made.inner[folds.of[place - 1]] : place;
    made.owner.set(place, id);
    if (!made.boxes.has(id)) made.boxes.set(id, { id, places: [], ins: new Set(), outs: new Set() });
    made.boxes.get(id).places.push(place);
  }
  for (const box of made.boxes.values()) {
    for (const place of box.places) {
      for (const parent of data.nodes[place - 1].parents) if (made.owner.get(parent) !== box.id) box.ins.add(parent);
      const users = known.users[place - 1];
      if (place === rootPlace || users.some((user) => made.owner.get(user) !== box.id)) box.outs.add(place);
    }
  }
  made.outs = [...made.boxes.values()].flatMap((box) => [...box.outs]).filter((place) => place === rootPlace || known.users[place - 1].some((user) => !made.owner.has(user)));
}

// A box for what comes from outside, and for each leaf that not one fold alone uses.
function readInputs(made) {
  const users = new Map();
  for (const box of made.boxes.values()) {
    for (const parent of box.ins) {
      if (made.owner.has(parent)) continue;
      const isOwn = known.order[parent - 1] < 0 && box.id < 0 && known.users[parent - 1].every((user) => made.owner.get(user) === box.id);
      if (isOwn) box.ins.delete(parent);
      else if (users.has(parent)) users.get(parent).push(box.id);
      else users.set(parent, [box.id]);
    }
  }
  const isMany = users.size + made.boxes.size > MANY_BOXES, alike = new Map();
  for (const [place, ids] of users) {
    const key = `${ids.join(" ")} ${known.order[place - 1] < 0 ? data.nodes[place - 1].kind : "result"}`;
    if (isMany || ids.every((id) => id < 0)) alike.has(key) ? alike.get(key).push(place) : alike.set(key, [place]);
    else alike.set(place, [place]);
  }
  const inputs = [];
  for (const places of alike.values()) {
    const id = places.length === 1 ? places[0] : -folds.titles.length - inputs.length;
    for (const place of places) made.owner.set(place, id);
    inputs.push({ id, places, ins: new Set(), outs: new Set(places), isInput: true });
  }
  made.boxes = new Map([...inputs, ...made.boxes.values()].map((box) => [box.id, box]));
}

function readArrows(made) {
  for (const place of made.results) {
    const to = made.owner.get(place);
    data.nodes[place - 1].parents.forEach((parent, position) => {
      const from = made.owner.get(parent);
      if (from === undefined || from === to) return;
      const key = made.arrowOf(place, position);
      if (!made.arrows.has(key)) made.arrows.set(key, { key, from, to, steps: [] });
      const step = known.stepOfUse[known.firstUse[place - 1] + position];
      if (step >= 0) made.arrows.get(key).steps.push(step);
    });
  }
}

// Forward, each result and each closed fold is a step.  Backward, in the opposite order, each
// contribution is one, and each fold.
function stepsOf(made) {
  const forward = [], backward = [], computed = [...made.boxes.values()].filter((box) => !box.isInput);
  for (const { id, places } of computed) {
    const at = forward.length;
    for (const place of places) made.computedAt[place - 1] = at;
    forward.push(id > 0 ? { phase: "forward", node: id, at } : { phase: "forward", fold: -id, at });
  }
  for (const { id, places } of computed.reverse()) {
    const own = places.flatMap(stepsOfNode);
    if (id > 0) {
      for (const index of own) {
        made.doneAt[index] = backward.length;
        backward.push({ phase: "backward", index, at: backward.length });
      }
    } else if (own.length) {
      for (const index of own) made.doneAt[index] = backward.length;
      backward.push({ phase: "backward", fold: -id, at: backward.length });
    }
  }
  // What is computed before the fold gives its share after it.
  const first = known.order[made.results[0] - 1];
  data.steps.forEach(({ node }, index) => { if (known.order[node - 1] < first) made.doneAt[index] = Infinity; });
  return [...forward, { phase: "start" }, ...backward];
}

function stepsOfNode(place) {
  return data.nodes[place - 1].parents.map((_, position) => known.stepOfUse[known.firstUse[place - 1] + position]).filter((index) => index >= 0);
}

// ---- how boxes look

function range(places) {
  const [first, last] = [nodeName(places[0]), nodeName(places[places.length - 1])];
  return places.length === 1 ? first : `${first} … ${last}`;
}

function titleOf(box) {
  if (box.id < 0 && box.isInput) {
    return [...inLines(range(box.places)), countedNouns(box.places.length, isLeaf(box.places[0]) ? "number" : "result")];
  }
  if (box.id < 0) return [...inLines(foldTitle(-box.id)), ...inLines(data.folds.facts[-box.id] || ""), countedNouns(box.places.length, "operation")].filter(Boolean);
  const node = data.nodes[box.id - 1];
  if (box.isInput && node.formula) return inLines(nodeName(box.id));
  return inLines(node.formula ? `${nodeName(box.id)} = ${plainFormula(node.formula)}` : nodeName(box.id));
}

function foldTitle(fold) {
  return folds.titles[fold] || nodeName(rootPlace);
}

function kindOf(box) {
  if (box.id < 0) return box.isInput ? (isLeaf(box.places[0]) ? data.nodes[box.places[0] - 1].kind : "outside") : "fold";
  const node = data.nodes[box.id - 1];
  if (box.isInput && node.formula) return "outside";
  return scene.outs.includes(box.id) ? "result" : node.kind;
}

function drawScene() {
  const drawn = [...scene.boxes.values()], joined = [...scene.arrows.values()];
  for (const box of drawn) {
    const kind = kindOf(box), isSeveral = box.places.length > 1;
    sizeBox(box, kind, titleOf(box), kind === "constant" && !isSeveral, isSeveral);
  }
  const size = layOut(drawn, joined, areaOfDrawing());
  putIntoDrawing(drawn, joined, size);
  showCrumbs();
}

// ---- into a fold, and out of it

function stepOver(fold, phase) {
  return allSteps.findIndex((step) => step.fold === fold && step.phase === phase);
}

// Open a fold.  In the middle of a walk one is then at its own first step of that phase.
function openFold(fold) {
  const phase = app.step === null ? null : phaseOf(allSteps[app.step]);
  app.selected = 0;
  setScene(fold);
  sizeDrawing();
  lookAtRest(true);
  say(`${foldTitle(fold)}: ${countedNouns(scene.results.length, "operation")}`);
  if (phase === null) return refresh();
  return showStep(phase === "forward" ? 0 : firstOf("start"));
}

// Close what is open, and what is in it, up to a fold around it.
function closeTo(fold) {
  let inner = scene.fold;
  while (folds.outer[inner] !== fold) inner = folds.outer[inner];
  const phase = app.step === null ? null : phaseOf(allSteps[app.step]);
  app.selected = 0;
  setScene(fold);
  sizeDrawing();
  lookAtRest(true);
  if (phase === null) {
    refresh();
    return focusBox(-inner);
  }
  return showStep(Math.max(0, stepOver(inner, phase)));
}

const FOLD_KEYS = [
  ["O", "open the fold of this step, or the box that is chosen; there Enter does it, too", openHere],
  ["U", "out of what is open; Backspace, too", closeFold],
  ["Backspace", "out of what is open", closeFold],
];

function openHere() {
  const step = app.step === null ? null : allSteps[app.step], focused = Number(document.activeElement?.dataset?.box);
  if (step && step.fold) openFold(step.fold);
  else if (isFold(focused)) openFold(-focused);
}

function closeFold() {
  if (scene.fold) closeTo(folds.outer[scene.fold]);
}

function showCrumbs() {
  const nav = byId("crumbs");
  nav.hidden = false;
  const chain = [scene.fold];
  while (chain[0]) chain.unshift(folds.outer[chain[0]]);
  nav.replaceChildren(element("ol", {}, ...chain.map((fold) => element("li", {},
    fold === scene.fold ? element("span", { "aria-current": "page" }, foldTitle(fold)) : element("button", { type: "button", onclick: () => closeTo(fold) }, foldTitle(fold))))));
}

// ---- the numbers of folds and of several inputs

function spread(numbers, text) {
  let [least, most] = [Infinity, -Infinity];
  for (const number of numbers) if (!Number.isNaN(number)) [least, most] = [Math.min(least, number), Math.max(most, number)];
  if (least > most) return numbers.length ? "nan" : "–";
  const [low, high] = [text(least), text(most)];
  return low === high ? low : `${low} … ${high}`;
}

// What a box that stands for several shows, after a step.
function showSeveral(id, box, limits) {
  const { outs, places, isInput } = scene.boxes.get(id), all = [...(outs.size ? outs : places)];
  const isKnown = !limits || isInput || scene.computedAt[places[0] - 1] < limits.computed;
  const grads = all.map((place) => gradient(place, limits ? limits.backward : Infinity)).filter((grad) => grad !== null);
  setText(box.value, isKnown ? `value ${spread(all.map(value), shown)}` : "value ·");
  setText(box.grad, grads.length ? `grad ${spread(grads, signed)}` : "grad –");
  box.group.classList.toggle("pending", !isKnown);
}

// ---- steps over a fold

const MOST_LISTED = 5;

function listed(places, lineOf) {
  const rest = places.length - MOST_LISTED;
  return [...places.slice(0, MOST_LISTED).map(lineOf), ...(rest > 0 ? [note(`… and ${counted(rest)} more`)] : [])];
}

function openButton(fold) {
  return element("p", {}, element("button", { type: "button", id: "open-fold", "data-key": "O", onclick: () => openFold(fold) }, `Open ${foldTitle(fold)}`));
}

// What came into a fold, results before leaves, and what went out.
function passed(ins, outs) {
  const values = (places) => listed(places, (place) => line("", name(nodeName(place)), " = ", signedNumber(value(place))));
  const given = ins.filter((place) => data.nodes[place - 1].kind !== "constant"); // a number of a formula is its own
  const sorted = given.sort((one, other) => isLeaf(one) - isLeaf(other));
  return [
    ...(given.length ? [line("came in", countedNouns(given.length, "number")), ...values(sorted)] : []),
    line("went out", countedNouns(outs.length, "number")), ...values(outs),
  ];
}

// What is said of an open fold at first.
function openedLesson() {
  const ins = [...scene.boxes.values()].filter((box) => box.isInput).flatMap((box) => box.places);
  return [...passed(ins, scene.outs), note(`${countedNouns(scene.results.length, "operation")}. Press Next to do them one by one; what is closed is one step.`)];
}

function foldLesson({ fold, phase, at }) {
  const box = scene.boxes.get(-fold), ins = [...box.ins], outs = [...box.outs];
  if (phase === "forward") return [...passed(ins, outs), note(`One click for ${countedNouns(box.places.length, "operation")}.`), openButton(fold)];
  const back = (places, text) => listed(places, (place) => line("", fraction(rootName, nodeName(place)), text(place)));
  const given = ins.filter((place) => contributionOf(box, place) !== null);
  return [
    line("came in", countedNouns(outs.length, "gradient")), ...back(outs, (place) => ` = ${shown(gradient(place, at) ?? 0)}`),
    ...(given.length ? [line("went out", `contributions to ${countedNouns(given.length, "value")}`), ...back(given, (place) => ` += ${shown(contributionOf(box, place))}`)] : [note("All that it uses is in it: no gradient leaves it.")]),
    openButton(fold),
  ];
}

// What a fold adds to the gradient of one of its inputs; null if nothing.
function contributionOf(box, place) {
  const from = stepsInto[place - 1].filter((index) => app.pass.taken[index] && scene.owner.get(data.steps[index].node) === box.id);
  return from.length ? from.reduce((sum, index) => sum + app.pass.contributions[index], -0) : null;
}

function foldText({ fold, phase }) {
  const { ins, outs, places } = scene.boxes.get(-fold);
  const [from, to] = phase === "forward" ? [ins, outs] : [outs, ins];
  const what = phase === "forward" ? "value" : "gradient";
  return `${foldTitle(fold)}: ${countedNouns(places.length, "operation")}, ${countedNouns(from.size, what)} in, ${to.size} out`;
}

// What begins the way back where the result itself is outside.
function startInside() {
  return [
    line("start", `the gradients of what ${foldTitle(scene.fold)} gives`),
    ...listed(scene.outs, (place) => line("", fraction(rootName, nodeName(place)), " = ", signedNumber(gradient(place, 0) ?? 0))),
    note("They come from all that was computed since."),
  ];
}

// ---- several inputs that have one box

function severalText(id) {
  const { places } = scene.boxes.get(id);
  return `${range(places)}: ${countedNouns(places.length, "value")}`;
}

function severalExplained(id) {
  const { places } = scene.boxes.get(id);
  return [
    ...listed(places, (place) => line("", name(nodeName(place)), " = ", signedNumber(value(place)), ", ", fraction(rootName, nodeName(place)), " = ", signedNumber(gradient(place) ?? 0))),
    note(isLeaf(places[0]) ? "The same boxes use them. Open such a box to choose one of them." : "They come from outside of what is open."),
  ];
}
