// ---- the state in the address ---------------------------------------------------------------

const LONGEST_ADDRESS = 8000;
const LARGEST_NUMBER = 1e6;

// #seed=3&epoch=5000&lr=0.5&row=2&step=12&edits=300:lr:0:0.2,420:w:3:1.25
function addressOf(state) {
  const parts = [];
  if (state.seed !== null) parts.push(`seed=${state.seed}`);
  if (state.epoch > 0) parts.push(`epoch=${state.epoch}`);
  const edits = state.edits.slice(0, MOST_EDITS);
  const rate = edits.find((edit) => edit.epoch === 0 && edit.kind === "lr");
  if (rate) parts.push(`lr=${exactly(rate.number)}`);
  if (state.row !== FIRST_ROW) parts.push(`row=${state.row + 1}`);
  if (state.step !== null) parts.push(`${state.byLayer ? "layer" : "step"}=${state.step + 1}`);
  const others = edits.filter((edit) => edit !== rate);
  if (others.length) {
    const texts = others.map((e) => `${e.epoch}:${e.kind}:${e.index}:${exactly(e.number)}`);
    parts.push(`edits=${texts.join(",")}`);
  }
  return parts.length ? `#${parts.join("&")}` : "";
}

// What an address says, and which parts of it made no sense. Nothing in it is trusted.
function stateFrom(hash) {
  const state = { seed: null, epoch: 0, row: FIRST_ROW, step: null, byLayer: false, edits: [] };
  const ignored = [];
  let rate = null; // the one at the start, the last of them if there are several
  const text = hash.replace(/^#/, "");
  if (text.length > LONGEST_ADDRESS) return { state, ignored: ["an address that is too long"] };
  for (const part of text.split("&").filter(Boolean)) {
    const [key, value] = [part.split("=")[0], part.slice(part.indexOf("=") + 1)];
    const count = /^\d{1,15}$/.test(value) ? Number(value) : null;
    if (key === "seed" && count !== null && data.draws) state.seed = count;
    else if (key === "epoch" && count !== null && count <= MOST_EPOCHS) state.epoch = count;
    else if (key === "row" && count >= 1 && count <= data.rows.length) state.row = count - 1;
    else if (key === "layer" && count >= 1 && count <= layerSteps.length) [state.step, state.byLayer] = [count - 1, true];
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
