"""The oldest version of each dependency that setup.cfg allows: ``python -m tests.floors``.

It prints them as constraints for pip, one a line.  ``make floors`` installs every extra of the
tests with them and runs the tests, so that a floor of setup.cfg is a version that was run.
"""

from __future__ import annotations

import configparser
import re
from pathlib import Path

__all__ = ["floors"]

ROOT = Path(__file__).resolve().parent.parent


def floors(text: str) -> dict[str, str]:
    """Return the oldest version that the extras of a ``setup.cfg`` allow, by package.

    Raises ValueError for a requirement that has no oldest version, or for a package with two.

    >>> floors('''
    ... [options.extras_require]
    ... draw =
    ...     pillow>=10.4
    ... check =
    ...     autodiff-lab[draw]
    ...     ruff~=0.17.6
    ...     peer==4.3.0; platform_system == "Linux"
    ... ''')
    {'pillow': '10.4', 'ruff': '0.17.6', 'peer': '4.3.0'}
    """
    config = configparser.ConfigParser()
    config.read_string(text)
    found: dict[str, str] = {}
    for extra, requirements in config["options.extras_require"].items():
        for requirement in requirements.split("\n"):
            if not requirement or requirement.startswith("autodiff-lab["):
                continue
            parts = re.fullmatch(r"([\w.-]+)(?:>=|~=|==)([\w.]+)(?:;.*)?", requirement)
            if parts is None:
                raise ValueError(f"{requirement} of the extra {extra!r} has no oldest version")
            package, version = parts.groups()
            if found.setdefault(package, version) != version:
                raise ValueError(f"{package} is wanted from {found[package]} and from {version}")
    return found


if __name__ == "__main__":
    for package, version in floors((ROOT / "setup.cfg").read_text(encoding="utf-8")).items():
        print(f"{package}=={version}")
