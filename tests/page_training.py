"""The live page's arithmetic under node: its own scripts, without a browser."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from typing import Any

from autodiff.stepper.document import joined, program_script
from autodiff.stepper.parts import shared
from demos.live.assemble import of_lab

NODE = shutil.which("node")

# JSON has no nan and no infinities, and JavaScript writes -0 as 0: numbers travel as bits.
BITS = """
const toHex = (x) => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  return view.getBigUint64(0).toString(16).padStart(16, "0");
};
const asList = (each) => ArrayBuffer.isView(each) ? Array.from(each) : each;
const told = (found) => process.stdout.write(JSON.stringify(found, (key, each) =>
  typeof each === "number" ? `=${toHex(each)}` : asList(each)));
"""


def in_node(program: str, data: dict[str, Any], script: str, *files: str) -> Any:
    """Return what a script tells with ``told``, behind scripts of the page: floats, and no others.

    ``files`` are those of the page's scripts behind ``training.js`` that it needs.
    """
    assert NODE is not None
    text = joined([*shared("numbers.js", "view.js"), *of_lab("training.js", *files)])
    source = f"{program_script(program)}const data = {json.dumps(data)};{text}{BITS}{script}"
    run = subprocess.run([NODE, "-"], input=source, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
    return numbers(json.loads(run.stdout))


def numbers(found: Any) -> Any:
    """Return what was told with its numbers as floats."""
    if isinstance(found, str):
        return float_of(found[1:]) if found.startswith("=") else found
    if isinstance(found, list):
        return [numbers(each) for each in found]
    return {key: numbers(each) for key, each in found.items()}


def float_of(bits: str) -> float:
    return float(struct.unpack(">d", bytes.fromhex(bits))[0])
