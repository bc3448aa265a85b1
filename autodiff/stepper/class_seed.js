// ---- a seed for a class: other numbers of the variables, the same for all who type the same

const LARGEST_SEED = 2 ** 32;

// Evenly from 0 to 1 by Steele, Lea and Flood's SplitMix (2014), in 32 bits.
function* evenly(seed) {
  for (let state = seed >>> 0; ; ) {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    yield ((mixed ^ (mixed >>> 15)) >>> 0) / LARGEST_SEED;
  }
}

// A number of two digits near that of the program, of the same sign: no logarithm loses its domain.
function drawnNear(number, share) {
  if (!Number.isFinite(number)) return number;
  return Number(((number || 1) * (0.5 + share)).toPrecision(2));
}

function sowSeed(text) {
  const cleaned = text.trim(), seed = Number(cleaned);
  if (cleaned === "") return withoutNudges();
  if (!/^\d+$/.test(cleaned) || seed >= LARGEST_SEED) return tell("A seed is a whole number, such as 7; empty is the program’s own numbers.");
  tell("");
  const shares = evenly(seed);
  start.forEach((number, index) => { app.numbers[index] = drawnNear(number, shares.next().value); });
  forget();
  if (app.step === null) enterSteps();
  else showStep(0);
  return say(`Numbers from seed ${seed}`);
}
