// ---- new words ------------------------------------------------------------------------------

const known = new Set(data.words);
const logits = new Float64Array(data.context * tokenCount);

// A word, letter by letter, each drawn with the probability that the GPT gives it; as
// demos/gpt/sampling.py does it, with the same random numbers.
function newWord(state, temperature, random) {
  const row = rowOf(""), found = [];
  for (let position = 0; position < data.context; position += 1) {
    program.forward(state, row, logits);
    const token = chosen(logits.subarray(position * tokenCount, (position + 1) * tokenCount), temperature, random);
    if (token === boundary) break;
    found.push(data.letters[token]);
    if (position + 1 < data.context) row[position + 1] = token;
  }
  return found.join("");
}

function chosen(scores, temperature, random) {
  const highest = Math.max(...scores);
  const powers = Array.from(scores, (score) => Math.exp((score - highest) / temperature));
  const total = powers.reduce((sum, power) => sum + power, 0), sums = [];
  for (const power of powers) sums.push((sums.at(-1) ?? 0) + power / total);
  const drawn = random.random() * sums.at(-1), token = sums.findIndex((sum) => sum > drawn);
  return token < 0 ? scores.length - 1 : token;
}

function newWords(state, temperature, seed, count) {
  const random = new PythonRandom(seed);
  return Array.from({ length: count }, () => newWord(state, temperature, random));
}
