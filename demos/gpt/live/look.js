// ---- what the heads compute for one word ----------------------------------------------------

const pairField = new Map(data.pair.map((name, place) => [name, place]));
const rowField = new Map(data.row.map((name, place) => [name, place]));
const headCount = data.layers * data.heads;
const pairCount = (data.context * (data.context + 1)) / 2;
const pairsEnd = headCount * pairCount * data.pair.length;

// All numbers of a word, as the program's function `look` gives them: those of every pair of
// positions, then those of every position, for each head.
class Look {
  constructor(word) {
    this.letters = Array.from(word);
    this.row = rowOf(word);
    this.length = Math.min(this.letters.length + 1, data.context); // with the boundary before it
    this.numbers = new Float64Array(pairsEnd + headCount * data.context * data.row.length + 1);
  }

  compute(state) {
    program.look(state, this.row, this.numbers);
  }

  get loss() {
    return this.numbers[this.numbers.length - 1];
  }

  pair(name, layer, head, asks, answers) {
    const pair = (layer * data.heads + head) * pairCount + (asks * (asks + 1)) / 2 + answers;
    return this.numbers[pair * data.pair.length + pairField.get(name)];
  }

  position(name, layer, head, position) {
    const row = (layer * data.heads + head) * data.context + position;
    return this.numbers[pairsEnd + row * data.row.length + rowField.get(name)];
  }

  // "start", or a letter with its place in the word.
  token(position) {
    if (position === 0) return "start";
    return this.letters[position - 1] + Array.from(String(position), (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]).join("");
  }
}

// ---- the numbers that can be asked for their gradient

// A number is {kind, layer, head, asks, answers, place}. Of two positions are dot, score, exp and
// weight; of the one that asks are sum and query; of the one that answers are key and value, which
// have a place in their vector.
const OF_PAIR = new Set(["dot", "score", "exp", "weight"]);
const AT_ANSWER = new Set(["key", "value"]);

function numberOf(look, node, field = "") {
  const { kind, layer, head, asks, answers, place } = node;
  if (OF_PAIR.has(kind)) return look.pair(kind + field, layer, head, asks, answers);
  const name = kind === "sum" ? kind : `${kind} ${place}`;
  return look.position(name + field, layer, head, AT_ANSWER.has(kind) ? answers : asks);
}

function gradientOf(look, node) {
  return numberOf(look, node, " gradient");
}

function nameOf(look, node) {
  const { kind, asks, answers, place } = node;
  const [asking, answering] = [look.token(asks), look.token(answers)];
  if (kind === "dot") return `q·k(${asking}→${answering})`;
  if (OF_PAIR.has(kind)) return `${kind}(${asking}→${answering})`;
  if (kind === "sum") return `sum(${asking})`;
  return `${kind}[${place}](${AT_ANSWER.has(kind) ? answering : asking})`;
}

// Where a number is used: the name of what it is used for (with the number itself, if that can be
// asked, too), the local derivative in names, and the three numbers of the chain rule.
function usesOf(look, node) {
  const { kind, layer, head, asks, answers, place } = node;
  const at = (other) => ({ ...node, ...other });
  const use = (share, user, local, here = node) => {
    const number = (what) => look.pair(`${share} ${what}`, layer, head, here.asks, here.answers);
    return { ...user, local, numbers: [number("upstream"), number("local"), number("contribution")] };
  };
  const of = (user) => ({ user, name: nameOf(look, user) });
  // What a head says is a sum over the positions: each product is one of its terms.
  const said = (here, index) => ({ name: `said[${index}](${look.token(here.asks)})` });
  const asking = Array.from({ length: look.length - answers }, (_, index) => at({ asks: answers + index }));
  const answering = Array.from({ length: asks + 1 }, (_, index) => at({ answers: index }));
  const size = data.size, every = Array.from({ length: size }, (_, index) => index);
  const vector = (name, here) => nameOf(look, { ...here, kind: name, place });
  switch (kind) {
    case "weight":
      return every.map((index) => use(`said ${index} to weight`, said(node, index), nameOf(look, at({ kind: "value", place: index }))));
    case "exp":
      return [
        use("weight to exp", of(at({ kind: "weight" })), `1 / ${nameOf(look, at({ kind: "sum" }))}`),
        use("sum to exp", of(at({ kind: "sum" })), "1"),
      ];
    case "sum":
      return answering.map((here) => use("weight to sum", of({ ...here, kind: "weight" }), "−weight / sum", here));
    case "score":
      return [use("exp to score", of(at({ kind: "exp" })), nameOf(look, at({ kind: "exp" })))];
    case "dot":
      return [use("score to dot", of(at({ kind: "score" })), `1 / √${size}`)];
    case "query":
      return answering.map((here) => use(`product ${place} to query ${place}`, of({ ...here, kind: "dot" }), vector("key", here), here));
    case "key":
      return asking.map((here) => use(`product ${place} to key ${place}`, of({ ...here, kind: "dot" }), vector("query", here), here));
    default:
      return asking.map((here) => use(`said ${place} to value ${place}`, said(here, place), nameOf(look, { ...here, kind: "weight" }), here));
  }
}

// How a number is made: text, and numbers that it is made of.
function madeOf(look, node) {
  const at = (kind, place) => ({ ...node, kind, place });
  const every = Array.from({ length: data.size }, (_, index) => index);
  switch (node.kind) {
    case "weight": return [at("exp"), " / ", at("sum")];
    case "exp": return ["exp(", at("score"), ")"];
    case "sum": return Array.from({ length: node.asks + 1 }, (_, answers) => [answers ? " + " : "", { ...node, kind: "exp", answers }]).flat();
    case "score": return [at("dot"), ` / √${data.size}`];
    case "dot": return every.flatMap((place) => [place ? " + " : "", at("query", place), " × ", at("key", place)]);
    default: return [`a linear layer of what is at ${look.token(AT_ANSWER.has(node.kind) ? node.answers : node.asks)}: ${data.width} weights × ${data.width} numbers`];
  }
}
