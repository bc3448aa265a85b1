// ---- where boxes and arrows lie ------------------------------------------------------------------

// Layers from left to right, as Sugiyama, Tagawa and Toda (1981) draw a graph: each box is behind all
// that it uses, an arrow over several layers has a place in each, the order within a layer follows
// the mean place of the neighbours, and heights are the least squares that keep order and gaps.
const GAP = { across: 70, down: 18, arrow: 10 };
const ORDER_SWEEPS = 8, HEIGHT_SWEEPS = 10;

// Give each of `boxes`, {id, w, h}, its x and y, and each of `arrows`, {from, to}, its path.  Boxes
// come before those that use them.  Returns width and height.
function layOut(boxes, arrows) {
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
  const width = setColumns(layers), top = Math.min(...layers.flat().map((place) => place.y - place.h / 2));
  for (const place of layers.flat()) {
    place.y -= top;
    if (place.box) Object.assign(place.box, { x: place.x, y: place.y - place.h / 2 });
  }
  drawPaths(arrows, routes);
  return { w: width, h: Math.max(...layers.flat().map((place) => place.y + place.h / 2)) };
}

// The layer of each: behind all that it uses, but what uses nothing is right before its first user.
function rank(places, pairs) {
  const uses = new Map(places.map((place) => [place, []])), users = new Map(places.map((place) => [place, []]));
  for (const [from, to] of pairs) {
    uses.get(to).push(from);
    users.get(from).push(to);
  }
  for (const place of places) place.layer = Math.max(0, ...uses.get(place).map((each) => each.layer + 1));
  for (const place of places) {
    if (!uses.get(place).length && users.get(place).length) place.layer = Math.min(...users.get(place).map((each) => each.layer)) - 1;
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

function number(layer) {
  layer.forEach((place, index) => { place.index = index; });
}

function mean(numbers) {
  return numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
}

function sortLayers(layers) {
  layers.forEach(number);
  let best = layers.map((layer) => layer.slice()), least = crossings(layers);
  for (let sweep = 0; sweep < ORDER_SWEEPS && least > 0; sweep += 1) {
    const forth = sweep % 2 === 0;
    for (const layer of forth ? layers : layers.slice().reverse()) {
      const wanted = new Map(layer.map((place) => {
        const near = forth ? place.before : place.after;
        return [place, near.length ? mean(near.map((each) => each.index)) : place.index];
      }));
      layer.sort((one, other) => wanted.get(one) - wanted.get(other) || one.index - other.index);
      number(layer);
    }
    const now = crossings(layers);
    if (now < least) [best, least] = [layers.map((layer) => layer.slice()), now];
  }
  best.forEach((layer, index) => { layers[index] = layer; number(layer); });
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
    for (const place of layer) {
      place.column = [x, x + width];
      place.x = place.box ? x + (width - place.box.w) / 2 : x;
    }
    x += width + GAP.across + Math.min(200, most / 6);
  }
  return Math.max(...layers.flat().filter((place) => place.box).map((place) => place.x + place.box.w));
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
    let [x, y] = [from.box.x + from.box.w, from.y + aside];
    let path = `M${x.toFixed(1)} ${y.toFixed(1)}`;
    for (const bend of all.slice(1, -1)) {
      const bent = bend.y + aside;
      path += curve(x, y, bend.column[0], bent) + `L${bend.column[1].toFixed(1)} ${bent.toFixed(1)}`;
      [x, y] = [bend.column[1], bent];
    }
    arrow.tip = { x: to.box.x, y: to.y + aside };
    arrow.path = path + curve(x, y, arrow.tip.x - 10, arrow.tip.y);
  }
}

function curve(x, y, toX, toY) {
  const half = (toX - x) / 2;
  return `C${(x + half).toFixed(1)} ${y.toFixed(1)} ${(toX - half).toFixed(1)} ${toY.toFixed(1)} ${toX.toFixed(1)} ${toY.toFixed(1)}`;
}
