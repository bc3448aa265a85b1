"""What a class sees: run them with ``python -m demos.NAME``; ``python -m demos`` lists them."""

import importlib.util
import sys
from pathlib import Path

from demos.interrupts import tell_in_a_line

# Python's way of saying that `python -m demos.xor` is being started.  Its imports take a second,
# and Ctrl-C in that second shall be answered as it is later.  A program that imports a demo is
# left as it is.
if sys.argv[:1] == ["-m"]:
    sys.excepthook = tell_in_a_line
    for name in ("autodiff", "nn"):
        # A file or a folder of that name where the command is typed comes before the library's.
        spec = importlib.util.find_spec(name)
        own = Path(__file__).parents[1] / name
        found = [] if spec is None else [spec.origin, *(spec.submodule_search_locations or ())]
        hiding = next(filter(None, found), None)
        if hiding is not None and not own.samefile(hiding) and Path(hiding).parent != own:
            sys.exit(f"{hiding} hides the library's {name}: rename it, or go to another folder")
