"""Mermaid text: the same boxes and arrows, and nothing that Mermaid would take for markup."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from autodiff import Value, draw, topological_order
from autodiff.drawing.formats.mermaid import escaped
from tests.conftest import Golden
from tests.test_draw import HOSTILE, drawn, every_drawing, hostile

pytest.importorskip("graphviz", reason="drawing needs the package graphviz")

BOX = re.compile(r'^\s+(\w+)(?:\[\[|\(\[|\(\(|\[|\()"([^"]*)"(?:\]\]|\]\)|\)\)|\]|\)):::(\w+)$')
ARROW = re.compile(r'^\s+(\w+) (?:-->|-\.->)(?:\|"[^"]*"\|)? (\w+)$')
OTHER = re.compile(
    r'^(flowchart (LR|TB|RL|BT)|\s+subgraph \w+\["[^"]*"\]|\s+end|'
    r"\s+(classDef|style|linkStyle) \w+ [\w:#,.-]+)$"
)


@pytest.mark.parametrize(
    "name",
    ["tiny", "xor", "hostile", "step", "fold_neuron_edges", "fold_layer_expand", "program"],
)
def test_the_text_is_the_golden_one(name: str, golden: Golden) -> None:
    golden.check(f"draw_{name}.mmd", drawn(name).mermaid())


def test_an_arrow_whose_user_took_another_operand_says_so() -> None:
    x = Value(-1.0, "x")
    loss = x.relu() + x
    loss.backward()
    text = draw(loss, edges=True).mermaid()
    assert 'v1 -.->|"not taken"| v2' in text
    assert 'v1 -->|"local 1<br>adds +1"| v3' in text


@every_drawing
def test_every_line_is_a_box_an_arrow_or_a_style_and_none_is_missing(name: str) -> None:
    drawing = drawn(name)
    lines = drawing.mermaid().splitlines()
    boxes = [found for line in lines if (found := BOX.match(line))]
    arrows = [found for line in lines if (found := ARROW.match(line))]
    rest = [line for line in lines if not BOX.match(line) and not ARROW.match(line)]
    assert [line for line in rest if not OTHER.match(line)] == []
    key = str.maketrans("-", "_")
    assert {(found[1], found[3]) for found in boxes} == {
        (box.id.translate(key), "_".join(filter(None, [box.kind, box.mark])))
        for box in drawing.picture.boxes
    }
    assert Counter((found[1], found[2]) for found in arrows) == Counter(
        (arrow.tail.translate(key), arrow.head.translate(key)) for arrow in drawing.picture.arrows
    )


def test_hostile_labels_are_codes_inside_quotes() -> None:
    text = drawn("hostile").mermaid()
    contents = [found[2] for line in text.splitlines() if (found := BOX.match(line))]
    assert len(contents) == len(topological_order(hostile()))
    for content in contents:
        assert not re.search(r"[<>`\\]", content.replace("<br>", ""))
    assert "#lt;script#gt;alert(#quot;x#quot;)#lt;/script#gt;" in text


@pytest.mark.parametrize("label", HOSTILE)
def test_a_code_stands_for_its_character(label: str) -> None:
    names = {"amp": "&", "lt": "<", "gt": ">", "quot": '"'}
    decoded = re.sub(
        r"#(\w+);", lambda code: names.get(code[1]) or chr(int(code[1])), escaped(label)
    )
    assert decoded == label


@pytest.mark.parametrize("rankdir", ["LR", "TB", "RL", "BT"])
def test_the_direction_is_that_of_the_drawing(rankdir: str) -> None:
    assert draw(Value(1.0).exp(), rankdir).mermaid().startswith(f"flowchart {rankdir}\n")
