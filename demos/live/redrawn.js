// ---- the graph of a network that was made here --------------------------------------------------

// The page came with a drawing of its own network: that of another is laid out here.
function drawOperations() {
  const drawn = data.nodes.map((node) => ({ id: node.place }));
  const joined = data.nodes.flatMap(({ place, parents }) => parents.map((parent, position) => ({ key: `${place}.${position}`, from: parent, to: place })));
  for (const box of drawn) {
    const node = data.nodes[box.id - 1];
    sizeBox(box, node.kind, linesOf(node), node.isConstant, false);
  }
  putIntoDrawing(drawn, joined, layOut(drawn, joined, areaOfDrawing()));
}

// A sum has a line for each term; its own layer's name is that of the box.
function linesOf(node) {
  if (!node.formula) return [nodeName(node.place)];
  const text = `${nodeName(node.place)} = ${plainFormula(node.formula)}`.replaceAll(/\b(hidden\d?|output)\./g, "");
  return text.length <= LONGEST_TITLE ? [text] : text.split(/ (?=\+ )/);
}
