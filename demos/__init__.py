"""What a class sees: run them with ``python -m demos.NAME``."""

import sys

from demos.interrupts import tell_in_a_line

# Python's way of saying that `python -m demos.xor` is being started.  Its imports take a second,
# and Ctrl-C in that second shall be answered as it is later.  A program that imports a demo is
# left as it is.
if sys.argv[:1] == ["-m"]:
    sys.excepthook = tell_in_a_line
