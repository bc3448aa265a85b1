// ---- the state in the address ---------------------------------------------------------------

const MOST_EDITS = 200;
const LONGEST_ADDRESS = 8000;
const LARGEST_NUMBER = 1e6;

// #seed=3&epoch=5000&lr=0.5&row=2&point=0.5,0.25&box=12&shows=2&scale=log&step=12&edits=300:lr:0:0.2
//
// An address has the way to a moment: the start, the changes, how many epochs.  Where that is too long
// it has the moment's numbers themselves, and "lost" says what that leaves out.
function addressOf(state) {
  const whole = addressWith(state, state.edits);
  if (state.edits.length <= MOST_EDITS && whole.length <= LONGEST_ADDRESS) return { hash: whole, lost: "" };
  const changes = `${counted(state.edits.length)} changes are more than an address holds, so it has`;
  const data = changedData(state.timeline), start = { ...state, seed: null, epoch: 0, moment: state.timeline.parameters };
  const numbers = addressWith(start, data);
  const isKept = start.moment.every(Number.isFinite);
  if (isKept && data.length <= MOST_EDITS && numbers.length <= LONGEST_ADDRESS) {
    return { hash: numbers, lost: `${changes} the weights, the data and the learning rate of this moment, but not how they came about: it counts epochs from 0.` };
  }
  const weights = addressWith(start, []);
  if (isKept && weights.length <= LONGEST_ADDRESS) return { hash: weights, lost: `${changes} the weights of this moment, but not the ${counted(data.length)} changed numbers of the data, nor the epochs before.` };
  const few = addressWith({ ...state, epoch: 0 }, []);
  return { hash: few, lost: `${changes} only the start of this run. Export the weights to keep them.` };
}

// The data's numbers that are not those the page came with, as edits of a start.
function changedData({ rows, firstRows }) {
  return Array.from(rows, (number, index) => ({ epoch: 0, kind: "x", index, number })).filter(({ index, number }) => number !== firstRows[index]);
}

function addressWith(state, edits) {
  const parts = [addressOfNetwork(data.asked)].filter(Boolean);
  if (state.scene) parts.push(`scene=${state.scene.key}`);
  if (state.seed !== null) parts.push(`seed=${state.seed}`);
  if (state.moment) parts.push(`state=${packed(state.moment)}`);
  if (state.epoch > 0) parts.push(`epoch=${state.epoch}`);
  const rate = edits.find((edit) => edit.epoch === 0 && edit.kind === "lr");
  if (rate) parts.push(`lr=${exactly(rate.number)}`);
  if (state.row !== FIRST_ROW) parts.push(`row=${state.row + 1}`);
  if (state.point) parts.push(`point=${state.point.map(exactly).join(",")}`);
  if (state.selected > 0) parts.push(`box=${state.selected}`);
  if (state.output > 0) parts.push(`shows=${state.output + 1}`);
  if (state.isLog) parts.push("scale=log");
  if (state.step !== null) parts.push(`${state.byLayer ? "layer" : "step"}=${state.step + 1}`);
  const others = edits.filter((edit) => edit !== rate);
  if (others.length) parts.push(`edits=${others.map((e) => `${e.epoch}:${e.kind}:${e.index}:${exactly(e.number)}`).join(",")}`);
  return parts.length ? `#${parts.join("&")}` : "";
}

function packed(numbers) {
  const bytes = new Uint8Array(Float64Array.from(numbers).buffer);
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// The program's state in an address; null unless each of its numbers is there, and is finite.
function momentFrom(text) {
  const size = data.state.length;
  if (!/^[\w-]*$/.test(text) || text.length !== Math.ceil((size * 8 * 4) / 3)) return null;
  const numbers = floatsOf(text.replaceAll("-", "+").replaceAll("_", "/"));
  return numbers.every(Number.isFinite) && isRate(numbers[data.learningRate]) ? numbers : null;
}

function pointFrom(text) {
  const point = text.split(",").map(numberFrom);
  const isPoint = data.domain && point.length === 2 && point.every((number) => number !== null && Math.abs(number) <= LARGEST_NUMBER);
  return isPoint ? point : null;
}

// What an address says, and which parts of it made no sense. Nothing in it is trusted.
function stateFrom(hash) {
  const state = { scene: null, seed: null, moment: null, epoch: 0, row: FIRST_ROW, point: null, selected: 0, output: 0, isLog: false, step: null, byLayer: false, edits: [] };
  const ignored = [];
  let rate = null; // the one at the start, the last of them if there are several
  const text = hash.replace(/^#/, "");
  if (text.length > LONGEST_ADDRESS) return { state, ignored: ["an address that is too long"] };
  for (const part of text.split("&").filter(Boolean)) {
    const [key, value] = [part.split("=")[0], part.slice(part.indexOf("=") + 1)];
    const count = /^\d{1,15}$/.test(value) ? Number(value) : null;
    if (key === "scene" && sceneCalled(value)) state.scene = sceneCalled(value);
    else if (key === "seed" && count !== null && data.draws) state.seed = count;
    else if (key === "epoch" && count !== null && count <= MOST_EPOCHS) state.epoch = count;
    else if (key === "row" && count >= 1 && count <= data.rows.length) state.row = count - 1;
    else if (key === "layer" && count >= 1 && count <= layerSteps.length) [state.step, state.byLayer] = [count - 1, true];
    else if (data.asked && (key === "network" || key === "rows")) continue; // asked.js has read it
    else if (key === "state" && momentFrom(value)) state.moment = momentFrom(value);
    else if (key === "point" && pointFrom(value)) state.point = pointFrom(value);
    else if (key === "box" && count >= 1 && count <= nodeCount) state.selected = count;
    else if (key === "shows" && data.domain && count >= 1 && count <= data.outputs.length + data.neurons.length) state.output = count - 1;
    else if (key === "scale" && value === "log") state.isLog = true;
    else if (key === "step" && count >= 1 && count < 100000) state.step = count - 1;
    else if (key === "lr" && isRate(numberFrom(value)) && (rate || state.edits.length < MOST_EDITS)) {
      if (!rate) state.edits.unshift((rate = { epoch: 0, kind: "lr", index: 0, number: 0 }));
      rate.number = numberFrom(value);
    } else if (key === "edits") {
      for (const each of value.split(",")) {
        const edit = editFrom(each);
        if (edit && state.edits.length < MOST_EDITS) state.edits.push(edit);
        else ignored.push(each);
      }
    } else ignored.push(part);
  }
  if (state.moment) state.seed = null;
  state.edits.sort((a, b) => a.epoch - b.epoch);
  return { state, ignored };
}

function editFrom(text) {
  const match = /^(\d{1,7}):(lr|w|x):(\d{1,6}):([-+.\deE]{1,30})$/.exec(text);
  if (!match) return null;
  const [epoch, kind, index, number] = [Number(match[1]), match[2], Number(match[3]), numberFrom(match[4])];
  const count = { lr: 1, w: data.weights.length, x: data.rows.length * data.rows[0].length }[kind];
  if (epoch > MOST_EPOCHS || index >= count || number === null) return null;
  if (Math.abs(number) > LARGEST_NUMBER || (kind === "lr" && !isRate(number))) return null;
  return { epoch, kind, index, number };
}

function isRate(number) {
  return number !== null && number > 0 && number <= LARGEST_NUMBER;
}
