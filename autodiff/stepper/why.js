// ---- why a gradient is 0, or not finite ---------------------------------------------------------

const MOST_REASONS = 3;
const CANCELLED = 1e-9; // contributions cancel where their sum is this much smaller than they are

const takenInto = (place) => stepsInto[place - 1].filter((index) => app.pass.taken[index]);

// Sentences on the gradient of a node, as autodiff.explain gives them.
function reasons(place) {
  const number = gradient(place) ?? 0;
  const found = [...new Set(Number.isFinite(number) ? (number === 0 ? whyZero(place) : []) : whyNotFinite(place))];
  const more = found.length - MOST_REASONS;
  return [...found.slice(0, MOST_REASONS), ...(more > 0 ? [`… and ${counted(more)} more places like that.`] : [])];
}

// Follows the zeros from a node towards the root, to where they begin.
function whyZero(place) {
  const found = [], followed = [place], met = new Set(followed);
  const follow = (node) => { if (!met.has(node)) met.add(node) && followed.push(node); };
  for (const node of followed) { // which grows meanwhile
    const into = stepsInto[node - 1], taken = takenInto(node), { contributions } = app.pass;
    const added = taken.filter((index) => contributions[index] !== 0);
    if (added.length) {
      const sum = gradient(node), size = added.reduce((all, index) => all + Math.abs(contributions[index]), 0);
      if (Math.abs(sum) <= CANCELLED * size) found.push(`What comes to ${nodeName(node)} cancels: ${added.slice(0, 4).map((index, at) => (at ? operand : shown)(contributions[index])).join(" + ")}${added.length > 4 ? " + …" : ""} = ${shown(sum)}.`);
      continue;
    }
    for (const index of into) {
      const user = data.steps[index].node, { upstream, local } = stepNumbers(index);
      if (gradient(user) === null) follow(user); // nothing reaches it
      else if (!app.pass.taken[index] || local === 0) found.push(whereCut(index));
      else if (upstream === 0) follow(user);
      else found.push(`${shown(upstream)} × ${shown(local)} is too small for a number of the computer.`);
    }
  }
  return found;
}

function equation(place) {
  return `${nodeName(place)} = ${withNames(data.nodes[place - 1].formula)}`;
}

function withNumber(place) {
  const node = data.nodes[place - 1];
  return node.isConstant && node.kind === "constant" ? nodeName(place) : `${nodeName(place)} = ${shown(value(place))}`;
}

// Why a step passes nothing on, although something comes to the node that was computed.
function whereCut(index) {
  const step = data.steps[index], { node, parent, position } = step, role = table[data.nodes[node - 1].made].roles[position];
  const slope = `so d ${nodeName(node)}/d ${nodeName(parent)} = ${shown(stepNumbers(index).local)}`;
  const local = step.local;
  if (role === "saturating") return `${equation(node)} is flat at ${withNumber(parent)}, ${slope}: it is saturated, and learns again from smaller numbers.`;
  if (role === "rectified") return `${equation(node)} is ${shown(value(node))} at ${withNumber(parent)}, which is not above 0, ${slope}: it is dead here.`;
  if (role === "condition" || role === "index") return `${nodeName(parent)} only chooses in ${equation(node)}: a choice jumps, and has no slope.`;
  if (!app.pass.taken[index] || role === "choice") return `${equation(node)} took another: ${nodeName(parent)} has no say in it.`;
  if (local && local.length === 3 && local[0] + local[2] === "" && isNode(local[1])) return `${nodeName(parent)} is multiplied by ${withNumber(Number(local[1].slice(1)))} in ${equation(node)}: however it changes, ${nodeName(node)} stays the same.`;
  return `${equation(node)} is flat at ${withNumber(parent)}, ${slope}.`;
}

// Where infinities and nans begin: in a variable, in an operation on finite numbers, or on the way back.
function whyNotFinite(place) {
  const isBad = (number) => !Number.isFinite(number), reached = [];
  for (const node of data.nodes) if (gradient(node.place) !== null) reached.push(node);
  const used = new Set(reached.flatMap((node) => node.parents));
  const given = data.nodes.filter((node) => node.made < 0 && used.has(node.place) && isBad(value(node.place)));
  const begun = reached.filter((node) => node.made >= 0 && isBad(value(node.place)) && !node.parents.some((parent) => isBad(value(parent))));
  const found = [...given.map((node) => `It begins with ${withNumber(node.place)}.`), ...begun.map(({ place: at, parents }) => `It begins at ${equation(at)} = ${shown(value(at))}, where ${[...new Set(parents)].map(withNumber).join(", ")}.`)];
  return found.length ? found : whyBackNotFinite(place, isBad);
}

function whyBackNotFinite(place, isBad) {
  const found = [], followed = [place], met = new Set(followed), { contributions, upstreams } = app.pass;
  for (const node of followed) { // which grows meanwhile
    const taken = takenInto(node), bad = taken.filter((index) => isBad(contributions[index]));
    if (taken.length && !bad.length) found.push(`The sum of what comes to ${nodeName(node)} is too large.`);
    for (const index of bad) {
      const user = data.steps[index].node, { upstream, local, contribution } = stepNumbers(index);
      if (!isBad(upstreams[index])) found.push(`It begins on the way back through ${equation(user)} at ${withNumber(node)}: ${shown(upstream)} × ${operand(local)} = ${shown(contribution)}.`);
      else if (!met.has(user)) met.add(user) && followed.push(user);
    }
  }
  return found;
}
