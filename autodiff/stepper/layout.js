// ---- where boxes and arrows lie ------------------------------------------------------------------

// Layers from left to right, as Sugiyama, Tagawa and Toda (1981) draw a graph: each box is behind all
// that it uses, an arrow over several layers has a place in each, the order within a layer follows
// the mean place of the neighbours, and heights are the least squares that keep order and gaps.
const GAP = { across: 70, down: 18, arrow: 10, line: 40, turn: 60 };
const ORDER_SWEEPS = 8, HEIGHT_SWEEPS = 10, MOST_LAYER_LINES = 8, MOST_INPUTS_ABOVE = 12;

// Give each of `boxes`, {id, w, h}, its x and y, and each of `arrows`, {from, to}, its path.  Boxes
// come before those that use them.  What is too long for the area is broken into lines.  Returns width
// and height.
function layOut(boxes, arrows, area) {
  const places = new Map(boxes.map((box) => [box.id, { box, h: box.h, before: [], after: [] }]));
  const pairs = new Map();
  for (const { from, to } of arrows) pairs.set(`${from} ${to}`, [places.get(from), places.get(to)]);
  rank([...places.values()], [...pairs.values()]);
  const layers = [];
  for (const place of places.values()) (layers[place.layer] ||= []).push(place);
  const routes = new Map();
  for (const [key, [from, to]] of pairs) routes.set(key, route(from, to, layers));
  sortLayers(layers);
  setHeights(layers);
  setColumns(layers);
  const size = setLines(bestLines(layers, area));
  for (const place of layers.flat()) if (place.box) Object.assign(place.box, { x: place.x, y: place.y - place.h / 2 });
  drawPaths(arrows, routes);
  return size;
}

// The layer of each: behind all that it uses, and as near before its first user as that allows.
function rank(places, pairs) {
  const uses = new Map(places.map((place) => [place, []])), users = new Map(places.map((place) => [place, []]));
  for (const [from, to] of pairs) {
    uses.get(to).push(from);
    users.get(from).push(to);
  }
  for (const place of places) place.layer = Math.max(0, ...uses.get(place).map((each) => each.layer + 1));
  for (const place of places.slice().reverse()) {
    if (users.get(place).length) place.layer = Math.min(...users.get(place).map((each) => each.layer)) - 1;
  }
  spreadInputs(places, uses);
}

// Where very many boxes that use nothing would be in one layer, they have several.
function spreadInputs(places, uses) {
  const layers = [];
  for (const place of places) (layers[place.layer] ||= []).push(place);
  let shift = 0;
  for (const layer of layers) {
    const inputs = layer.filter((place) => !uses.get(place).length);
    const columns = Math.max(1, Math.ceil(inputs.length / MOST_INPUTS_ABOVE));
    shift += columns - 1;
    for (const place of layer) place.layer += shift;
    inputs.forEach((place, index) => { place.layer -= Math.floor((index * columns) / inputs.length); });
  }
}

// The places of an arrow in the layers between, joined to its ends.
function route(from, to, layers) {
  const all = [from];
  for (let layer = from.layer + 1; layer < to.layer; layer += 1) {
    const bend = { box: null, layer, h: 0, before: [], after: [] };
    layers[layer].push(bend);
    all.push(bend);
  }
  all.push(to);
  for (let index = 1; index < all.length; index += 1) {
    all[index - 1].after.push(all[index]);
    all[index].before.push(all[index - 1]);
  }
  return all;
}

function numberPlaces(layer) {
  layer.forEach((place, index) => { place.index = index; });
}

function mean(numbers) {
  return numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
}

function sortLayers(layers) {
  layers.forEach(numberPlaces);
  let best = layers.map((layer) => layer.slice()), least = crossings(layers);
  for (let sweep = 0; sweep < ORDER_SWEEPS && least > 0; sweep += 1) {
    const forth = sweep % 2 === 0;
    for (const layer of forth ? layers : layers.slice().reverse()) {
      const wanted = new Map(layer.map((place) => {
        const near = forth ? place.before : place.after;
        return [place, near.length ? mean(near.map((each) => each.index)) : place.index];
      }));
      layer.sort((one, other) => wanted.get(one) - wanted.get(other) || one.index - other.index);
      numberPlaces(layer);
    }
    const now = crossings(layers);
    if (now < least) [best, least] = [layers.map((layer) => layer.slice()), now];
  }
  best.forEach((layer, index) => { layers[index] = layer; numberPlaces(layer); });
}

// How many arrows cross, counted with a tree of sums (Barth, Jünger and Mutzel, 2002).
function crossings(layers) {
  let count = 0;
  for (let index = 1; index < layers.length; index += 1) {
    const ends = layers[index - 1].flatMap((place) => place.after.map((each) => each.index).sort((a, b) => a - b));
    const size = layers[index].length, tree = new Int32Array(size + 1);
    ends.forEach((end, done) => {
      let below = 0;
      for (let at = end + 1; at > 0; at -= at & -at) below += tree[at];
      count += done - below;
      for (let at = end + 1; at <= size; at += at & -at) tree[at] += 1;
    });
  }
  return count;
}

function setHeights(layers) {
  for (const layer of layers) {
    let y = 0;
    for (const place of layer) {
      place.y = y + place.h / 2;
      y += place.h + GAP.down;
    }
  }
  for (let sweep = 0; sweep < HEIGHT_SWEEPS; sweep += 1) {
    const forth = sweep % 2 === 1;
    for (const layer of forth ? layers : layers.slice().reverse()) {
      settleLayer(layer, (place) => {
        const near = sweep === HEIGHT_SWEEPS - 1 ? [...place.before, ...place.after] : forth ? place.before : place.after;
        return near.length ? mean(near.map((each) => each.y)) : place.y;
      });
    }
  }
}

// The heights nearest to those that are wanted, in this order and with gaps: pools of neighbours that
// would overlap have the mean of what they want together.
function settleLayer(layer, wanted) {
  const pools = [];
  let offset = 0;
  layer.forEach((place, index) => {
    if (index) offset += (layer[index - 1].h + place.h) / 2 + (place.box || layer[index - 1].box ? GAP.down : GAP.arrow);
    place.offset = offset;
    const weight = place.box ? 1 : 3; // long arrows should be straight
    let pool = { sum: weight * (wanted(place) - offset), weight, from: index };
    while (pools.length && pools[pools.length - 1].sum / pools[pools.length - 1].weight > pool.sum / pool.weight) {
      const before = pools.pop();
      pool = { sum: before.sum + pool.sum, weight: before.weight + pool.weight, from: before.from };
    }
    pools.push(pool);
  });
  pools.forEach((pool, index) => {
    const end = index + 1 < pools.length ? pools[index + 1].from : layer.length;
    for (let at = pool.from; at < end; at += 1) layer[at].y = layer[at].offset + pool.sum / pool.weight;
  });
}

function setColumns(layers) {
  let x = 0;
  for (const layer of layers) {
    const width = Math.max(...layer.map((place) => (place.box ? place.box.w : 0)));
    const most = Math.max(0, ...layer.flatMap((place) => place.after.map((each) => Math.abs(each.y - place.y))));
    Object.assign(layer, { x, width });
    x += width + GAP.across + Math.min(200, most / 6);
  }
}

// The layers in as many lines as let the text be largest in the area.
function bestLines(layers, area) {
  let best = null, largest = 0;
  for (let count = 1; count <= Math.min(layers.length, MOST_LAYER_LINES); count += 1) {
    const lines = inEqualLines(layers, count), { w, h } = sizeOf(lines);
    const scale = Math.min(area.w / w, area.h / h, 1);
    if (scale > 1.3 * largest) [best, largest] = [lines, scale];
  }
  return best;
}

function inEqualLines(layers, count) {
  const last = layers[layers.length - 1], share = (last.x + last.width) / count;
  const lines = [];
  for (const layer of layers) {
    const line = Math.min(count - 1, Math.floor((layer.x + layer.width / 2) / share));
    (lines[line] ||= []).push(layer);
  }
  return lines.filter(Boolean);
}

function boundsOf(line) {
  const places = line.flat(), last = line[line.length - 1];
  const top = Math.min(...places.map((place) => place.y - place.h / 2)), bottom = Math.max(...places.map((place) => place.y + place.h / 2));
  return { x: line[0].x, y: top, w: last.x + last.width - line[0].x, h: bottom - top };
}

// How many arrows go on in the next line, and how much room they need between the lines.
function roomBelow(line) {
  const crossing = line[line.length - 1].reduce((count, place) => count + place.after.length, 0);
  return GAP.line + crossing * GAP.arrow;
}

function sizeOf(lines) {
  const bounds = lines.map(boundsOf), rooms = lines.slice(0, -1).map(roomBelow);
  const h = bounds.reduce((sum, { h: own }) => sum + own, 0) + rooms.reduce((sum, room) => sum + room, 0);
  return { w: Math.max(...bounds.map(({ w }) => w)) + (lines.length > 1 ? 2 * GAP.turn : 0), h };
}

// Each line below the one before, with its boxes from the left.
function setLines(lines) {
  const size = sizeOf(lines), margin = lines.length > 1 ? GAP.turn : 0;
  let top = 0;
  lines.forEach((line, nth) => {
    const { x, y, h } = boundsOf(line);
    for (const layer of line) {
      for (const place of layer) {
        const left = layer.x - x + margin;
        place.y += top - y;
        place.x = place.box ? left + (layer.width - place.box.w) / 2 : left;
        Object.assign(place, { line: nth, column: [left, left + layer.width], below: top + h });
      }
    }
    line.turns = 0;
    for (const place of line[line.length - 1]) place.turning = line;
    top += h + roomBelow(line);
  });
  return size;
}

// Curves that leave and reach boxes in the direction of the layers; several between two boxes lie
// side by side.
function drawPaths(arrows, routes) {
  const drawn = new Map();
  for (const arrow of arrows) {
    const key = `${arrow.from} ${arrow.to}`, all = routes.get(key), nth = drawn.get(key) || 0;
    drawn.set(key, nth + 1);
    const aside = (nth % 2 ? -1 : 1) * Math.ceil(nth / 2) * 14;
    const [from] = all, to = all[all.length - 1];
    let [x, y, before] = [from.box.x + from.box.w, from.y + aside, from];
    let path = `M${x.toFixed(1)} ${y.toFixed(1)}`;
    const reach = (place, toX, toY) => {
      path += place.line === before.line ? bow(x, y, toX, toY) : turn(x, y, toX, toY, before);
      [x, y, before] = [toX, toY, place];
    };
    for (const bend of all.slice(1, -1)) {
      reach(bend, bend.column[0], bend.y + aside);
      path += `L${bend.column[1].toFixed(1)} ${y.toFixed(1)}`;
      x = bend.column[1];
    }
    arrow.tip = { x: to.box.x, y: to.y + aside };
    reach(to, arrow.tip.x - 10, arrow.tip.y);
    arrow.path = path;
  }
}

// From the end of a line to the beginning of the next, each arrow in a lane of its own between them.
function turn(x, y, toX, toY, before) {
  before.turning.turns += 1;
  const lane = before.below + GAP.line / 2 + before.turning.turns * GAP.arrow, out = before.column[1] + GAP.turn;
  const round = (fromY, farX, atY, nextX) => `C${[farX, fromY, farX, atY, nextX, atY].map((each) => each.toFixed(1)).join(" ")}`;
  return `L${before.column[1].toFixed(1)} ${y.toFixed(1)}${round(y, out, lane, before.column[1])}L${toX.toFixed(1)} ${lane.toFixed(1)}${round(lane, toX - GAP.turn, toY, toX)}`;
}

function bow(x, y, toX, toY) {
  const half = (toX - x) / 2;
  return `C${(x + half).toFixed(1)} ${y.toFixed(1)} ${(toX - half).toFixed(1)} ${toY.toFixed(1)} ${toX.toFixed(1)} ${toY.toFixed(1)}`;
}
