"""Hostile input for readers: trees of JSON and bytes, made from good ones by changing a part."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

# Text that has a meaning somewhere, or no encoding.
TEXTS = [
    *("", "\ud800", "\x00", "\n", "\x1b[31m", "\u2028", "\ufeff", "٣", "−1", "3/0", "1e999", "-0"),
    *("</script><script>alert(1)</script>", "\"'`<b>&amp;", "*/", "{{data}}", "%s%n", "__proto__"),
    *("x" * 2000, "NaN", "Infinity", "null", "format", "weights", "values", "version", "a=b&c#d"),
]
texts = st.sampled_from(TEXTS) | st.text(max_size=6)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 30),
    st.sampled_from([10**30, -(10**400), 2**63]),
    st.floats(),
    texts,
)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def changed(draw: st.DrawFn, tree: Any) -> Any:
    """Return a tree of JSON in which one part is something else, is missing or is there twice."""
    if isinstance(tree, (dict, list)) and tree and draw(st.integers(0, 5)):
        keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
        key = draw(st.sampled_from(keys))
        copy = dict(tree) if isinstance(tree, dict) else list(tree)
        kind = draw(st.sampled_from(["change", "change", "change", "remove", "repeat"]))
        if kind == "change":
            copy[key] = draw(changed(tree[key]))
        elif kind == "remove":
            del copy[key]
        elif isinstance(copy, list):
            copy.append(copy[key])
        else:
            copy[draw(texts)] = tree[key]
        return copy
    return draw(trees)


@st.composite
def damaged_json(draw: st.DrawFn, good: bytes) -> bytes:
    """Return a file of JSON with a part of its tree, of its text or of its bytes changed."""
    kind = draw(st.sampled_from(["tree", "tree", "text", "bytes", "deep", "encoding"]))
    if kind == "tree":
        tree = json.loads(good)
        for _ in range(draw(st.integers(1, 3))):
            tree = draw(changed(tree))
        as_ascii = draw(st.booleans())
        return json.dumps(tree, ensure_ascii=as_ascii).encode(errors="surrogatepass")
    if kind == "deep":
        depth = draw(st.sampled_from([50, 450, 950, 3000]))
        opening, closing = draw(st.sampled_from([("[", "]"), ('{"a":', "}")]))
        part = opening * depth + "1" + closing * depth
        return replaced(draw, good, part.encode())
    if kind == "text":
        word = st.sampled_from([b"-0", b"1e999", b"NaN", b"-Infinity", b"9" * 5000, b"1" * 400])
        return replaced(draw, good, draw(word))
    if kind == "encoding":
        encoding = draw(st.sampled_from(["utf-8-sig", "utf-16", "utf-32-be", "utf-7"]))
        return good.decode().encode(encoding)
    return draw(damaged(good))


def replaced(draw: st.DrawFn, good: bytes, part: bytes) -> bytes:
    """Return a file of JSON with one of its values, or a part of one, replaced by this text."""
    places = [place for place, byte in enumerate(good) if byte in b":,["]
    start = draw(st.sampled_from(places)) + 1
    end = min([place for place in places if place >= start], default=len(good))
    return good[:start] + part + good[end if draw(st.booleans()) else start :]


@st.composite
def damaged(draw: st.DrawFn, good: bytes) -> bytes:
    """Return a file cut off, or with some of its bytes changed."""
    if draw(st.booleans()):
        return good[: draw(st.integers(0, len(good)))]
    content = bytearray(good)
    for _ in range(draw(st.integers(1, 4))):
        content[draw(st.integers(0, len(good) - 1))] = draw(st.integers(0, 255))
    return bytes(content)
