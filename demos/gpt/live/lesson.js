// ---- one row's softmax, and the chain rule of one of its numbers ----------------------------

// What is shown of each position that the row looks at, in the order in which it is computed.
const COLUMNS = [
  ["dot", "q·k", "the query of the one that asks times the key of the other, number by number"],
  ["score", `÷ √${data.size}`, "q·k over the root of how many numbers a head has"],
  ["exp", "exp", "the exponential makes it positive"],
  ["weight", "÷ sum", "over the sum of the row: how much it looks there"],
];

const isNarrow = window.matchMedia("(max-width: 1499px)");

function digits() {
  return isNarrow.matches ? 3 : 4;
}

let softmaxRow = ""; // which row the table is made for

function here(kind, answers = app.chosen.answers, place = 0) {
  const { layer, head, asks } = app.chosen;
  return { kind, layer, head, asks, answers, place };
}

function isSame(one, other) {
  return Object.keys(one).every((key) => one[key] === other[key]);
}

// A number as a button that asks for its gradient.
function numberButton(node, more = {}) {
  const button = element("button", { type: "button", class: "ask", onclick: () => ask(node), ...more });
  button.node = node;
  return button;
}

function showNumbers(inside) {
  for (const button of inside.querySelectorAll(".ask")) {
    const number = numberOf(app.look, button.node);
    const text = shown(number, digits());
    setText(button, text);
    button.setAttribute("aria-label", `${nameOf(app.look, button.node)}: ${text}`);
    button.setAttribute("aria-pressed", String(isSame(button.node, app.node)));
  }
}

function showLesson() {
  const { look, chosen } = app;
  setText(byId("lesson-title"), `Head ${chosen.head + 1}: what ${look.token(chosen.asks)} looks at, a softmax`);
  const key = [app.word, chosen.layer, chosen.head, chosen.asks].join();
  if (softmaxRow !== key) {
    softmaxRow = key;
    makeSoftmax();
  }
  byId("softmax").childNodes.forEach((row, answers) => row.classList.toggle("active", answers === chosen.answers));
  showNumbers(byId("softmax-panel"));
  showChain();
}

function makeSoftmax() {
  byId("softmax-head").replaceChildren(
    element("th", { scope: "col" }, "at"),
    ...COLUMNS.map(([, title, why]) => element("th", { scope: "col", title: why }, title)),
  );
  const rows = Array.from({ length: app.chosen.asks + 1 }, (_, answers) => element("tr", {},
    element("th", { scope: "row" }, app.look.token(answers)),
    ...COLUMNS.map(([kind]) => element("td", {}, numberButton(here(kind, answers)))),
  ));
  byId("softmax").replaceChildren(...rows);
  byId("softmax-foot").replaceChildren(element("tr", {},
    element("th", { scope: "row" }, "sum"), element("td"), element("td"),
    element("td", {}, numberButton(here("sum", 0))), element("td", { class: "whole" }, "1"),
  ));
}

// ---- the chain rule

let chainOf = "";

function showChain() {
  const { look, node } = app, key = app.word + JSON.stringify(node);
  if (chainOf !== key) {
    chainOf = key;
    makeChain();
  }
  const uses = usesOf(look, node), name = nameOf(look, node), gradient = gradientOf(look, node);
  byId("chain-title").replaceChildren("d loss / d ", element("var", {}, name), " = ", number(gradient));
  showNumbers(byId("made"));
  const rows = byId("uses").querySelectorAll("tbody tr");
  uses.forEach((use, index) => {
    const cells = rows[index].querySelectorAll(".amount");
    use.numbers.forEach((each, place) => cells[place].replaceChildren(number(each)));
  });
  byId("uses").querySelector("tfoot .amount").replaceChildren(number(gradient));
}

function number(each) {
  const sign = each > 0 ? "plus" : each < 0 ? "minus" : "";
  return element("span", { class: `number ${sign}` }, signed(each, digits()));
}

function makeChain() {
  const { look, node } = app, uses = usesOf(look, node), name = nameOf(look, node);
  byId("made").replaceChildren(`${name} = `, ...madeOf(look, node).map((part) => {
    if (typeof part === "string") return part;
    return numberButton(part);
  }));
  const rows = uses.map((use) => {
    const user = use.user
      ? element("button", { type: "button", class: "user", "aria-label": `Go on to ${use.name}`, onclick: () => ask(use.user) }, use.name)
      : use.name;
    return element("tr", {},
      element("th", { scope: "row" }, user),
      element("td", {}, element("span", { class: "amount" })),
      element("td", {}, element("span", { class: "amount" }), element("small", {}, use.local)),
      element("td", {}, element("span", { class: "amount" })),
    );
  });
  const count = uses.length === 1 ? "one use" : `sum of ${uses.length} uses`;
  byId("uses").replaceChildren(element("table", {},
    element("caption", { class: "visually-hidden" }, `The gradient of ${name} as a sum over its uses`),
    element("thead", {}, element("tr", {},
      element("th", { scope: "col" }, "used in"),
      element("th", { scope: "col", title: "d loss / d what it is used in" }, "upstream"),
      element("th", { scope: "col", title: "d what it is used in / d the number" }, "× local"),
      element("th", { scope: "col", title: "what this use adds to the gradient" }, "= adds"),
    )),
    element("tbody", {}, ...rows),
    element("tfoot", {}, element("tr", {}, element("th", { scope: "row", colspan: 3 }, count), element("td", {}, element("span", { class: "amount" })))),
  ));
}
