// ---- the network that an address asks for --------------------------------------------------------

const MOST_ROWS = 200, MOST_COLUMNS = 9, MOST_NEURONS = 8, FURTHEST = 1e6;

// #network=4-3,tanh,logits,adam,moons or, with data of one's own, ...,rows&rows=0,0,1;0,1,0
//
// A page has one network.  Another one is asked for in the address, and the page loaded again: so it is
// a link, and the browser's own way back leads to the one before.
function addressOfNetwork(asked) {
  if (!asked) return "";
  const { hidden, activation, loss, optimizer, name, rows } = asked;
  const network = `network=${[hidden.join("-") || "0", activation, loss, optimizer, name].join(",")}`;
  return name === "rows" ? `${network}&rows=${rows.map((row) => row.map(exactly).join(",")).join(";")}` : network;
}

// What an address asks for; null if it asks for nothing, or for what cannot be.
function askedIn(hash, pieces) {
  const parts = new Map(hash.replace(/^#/, "").split("&").map((part) => [part.split("=")[0], part.slice(part.indexOf("=") + 1)]));
  const found = /^([\d-]{1,20}),(\w{1,20}),(\w{1,20}),(\w{1,20}),(\w{1,20})$/.exec(parts.get("network") || "");
  if (!found) return null;
  const [sizes, activation, loss, optimizer, name] = found.slice(1);
  const hidden = sizes === "0" ? [] : sizes.split("-").map(Number);
  const given = name === "rows" ? rowsIn(parts.get("rows") || "") : hasOwn(pieces.data, name) && pieces.data[name].rows;
  const isKnown = hasOwn(pieces.activations, activation) && hasOwn(pieces.losses, loss) && hasOwn(pieces.optimizers, optimizer);
  const isOfSize = hidden.length <= 2 && hidden.every((size) => size >= 1 && size <= MOST_NEURONS);
  if (!given || !isKnown || !isOfSize || whyNot(given, loss, pieces)) return null;
  return { title: name === "rows" ? "Your data" : titleOfData(pieces.data[name]), hidden, activation, loss, optimizer, name, rows: given };
}

function hasOwn(table, name) {
  return Object.prototype.hasOwnProperty.call(table, name);
}

function titleOfData({ title }) {
  return title[0].toUpperCase() + title.slice(1);
}

// Rows of numbers, as an address has them; null if they are no table.
function rowsIn(text) {
  const rows = text.split(";").map((row) => row.split(",").map(numberFrom));
  return isTable(rows) ? rows : null;
}

function isTable(rows) {
  const { length } = rows[0] || [];
  return rows.length >= 1 && rows.length <= MOST_ROWS && length >= 2 && length <= MOST_COLUMNS
    && rows.every((row) => row.length === length && row.every((number) => number !== null && Math.abs(number) <= FURTHEST));
}

// Why these data do not go with this loss; "" if they do.
function whyNot(rows, name, pieces) {
  const targets = [...new Set(rows.map((row) => row[row.length - 1]))], { limits, title } = pieces.losses[name];
  if (targets.every((target) => target === 0 || target === 1)) return "";
  const bad = targets.find((target) => !limits || target < limits[0] || target > limits[1]);
  if (bad === undefined) return "";
  return `The ${title} needs targets ${limits ? `from ${limits[0]} to ${limits[1]}` : "0 and 1"}, but these have ${shown(bad)}: choose the squared error of any number.`;
}

const ownNetwork = { title: data.title, network: data.network };
data.asked = askedIn(location.hash, data.pieces);
if (data.asked) Object.assign(data, new NetworkBuilder(data.pieces, data.asked).told);
