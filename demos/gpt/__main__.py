"""``python -m demos.gpt``."""

from demos.command import run
from demos.gpt.command import main

if __name__ == "__main__":
    run(main)
