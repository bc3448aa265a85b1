"""What a page with a stepper is told of its graph, read as the page's script reads it."""

from __future__ import annotations

import base64
import json
import re
import struct
from typing import Any


def data_of(html: str) -> dict[str, Any]:
    """Return what the page's scripts are told."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    content: dict[str, Any] = json.loads(found[1])
    return content


def floats(text: str) -> list[float]:
    """Return numbers that are told to the last bit."""
    content = base64.b64decode(text)
    return list(struct.unpack(f"<{len(content) // 8}d", content))


def counts(text: str) -> list[int]:
    """Return whole numbers that are told seven bits a byte."""
    found, count, place = [], 0, 0
    for byte in base64.b64decode(text):
        count |= (byte & 127) << place
        place += 7
        if byte < 128:
            found.append(count)
            count = place = 0
    return found


def running(text: str) -> list[int]:
    """Return whole numbers that are told by their differences."""
    found, last = [], 0
    for count in counts(text):
        last += -(count + 1) // 2 if count % 2 else count // 2
        found.append(last)
    return found


def nodes_told(graph: dict[str, Any]) -> list[dict[str, Any]]:
    """Return each node's name, kind, operands and formula."""
    operands = iter(counts(graph["operands"]))
    values = floats(graph["values"])
    found = []
    for place, (made, kind) in enumerate(
        zip(counts(graph["made"]), counts(graph["kinds"]), strict=True), 1
    ):
        entry = graph["table"][made - 1] if made else None
        parents = [place - next(operands) for _ in entry["receives"]] if entry else []
        plain = f"{values[place - 1]:.6g}" if kind % 2 else f"v{place}"
        found.append(
            {
                "name": graph["names"].get(str(place), plain),
                "constant": bool(kind % 2),
                "parents": parents,
                "formula": entry and in_node(entry["formula"], place, parents),
                "entry": entry,
            }
        )
    return found


def steps_told(graph: dict[str, Any]) -> list[dict[str, Any]]:
    """Return each backward step's node, parent, position and local derivative."""
    nodes = nodes_told(graph)
    return [
        {
            "node": place,
            "parent": parent,
            "position": position,
            "local": in_node(node["entry"]["locals"][position], place, node["parents"]),
        }
        for place, node in reversed(list(enumerate(nodes, 1)))
        for position, parent in enumerate(node["parents"])
        if node["entry"]["receives"][position] and not nodes[parent - 1]["constant"]
    ]


def in_node(expression: list[str] | None, place: int, parents: list[int]) -> list[str] | None:
    """Return an operation's expression with the references of a node's operands."""
    if expression is None:
        return None
    return [
        f"v{place if part == 'out' else parents[int(part)]}" if index % 2 else part
        for index, part in enumerate(expression)
    ]
