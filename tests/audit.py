"""Has a release that we allow been withdrawn, or a known vulnerability?  ``make audit``.

It looks at the oldest version of each dependency (``tests.floors``) and at the newest of each, with
what they need themselves.  pip tells which its index calls *yanked*, withdrawn by the authors.
pip-audit asks the index's list of vulnerabilities.  A release that cannot be looked up fails: where
that list is out of reach, the audit did not pass.
"""

from __future__ import annotations

import configparser
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.floors import ROOT, floors

__all__ = ["yanked"]


def main() -> None:
    setup = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    oldest = [f"{package}=={version}" for package, version in floors(setup).items()]
    config = configparser.ConfigParser()
    config.read_string(setup)
    extras = ",".join(config["options.extras_require"])
    failed = False
    for which, requirements in (
        ("oldest", ["--no-deps", *oldest]),
        ("newest", ["--editable", f"{ROOT}[{extras}]"]),
    ):
        report = resolved(requirements)
        for release in yanked(report):
            print(f"yanked: {release}")
            failed = True
        failed |= not has_no_vulnerability(releases(report))
        print(f"the {which}: {len(releases(report))} releases were looked at")
    sys.exit(failed)


def resolved(requirements: list[str]) -> dict[str, Any]:
    """Return pip's report of what it would install."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.json"
        subprocess.run([*pip, "--report", str(file), *requirements], check=True)
        report: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return report


def releases(report: dict[str, Any]) -> list[str]:
    """Return what pip would install, as pins, apart from this project itself.

    A build's own mark (``2.13.0+cpu``) is left out: advisories know the release alone.

    >>> releases({"install": [{"metadata": {"name": "torch", "version": "2.13.0+cpu"}}]})
    ['torch==2.13.0']
    """
    found = [item["metadata"] for item in report["install"]]
    return [
        f"{release['name']}=={release['version'].partition('+')[0]}"
        for release in found
        if release["name"] != "autodiff-lab"
    ]


def yanked(report: dict[str, Any]) -> list[str]:
    """Return the releases in a report of pip that their authors have withdrawn.

    >>> yanked({"install": [
    ...     {"metadata": {"name": "build", "version": "1.2.0"}, "is_yanked": True},
    ...     {"metadata": {"name": "build", "version": "1.2.1"}, "is_yanked": False}]})
    ['build==1.2.0']
    """
    return releases({"install": [item for item in report["install"] if item["is_yanked"]]})


def has_no_vulnerability(pins: list[str]) -> bool:
    """Return whether pip-audit knows all these releases, and none of them as vulnerable."""
    audit = [sys.executable, "-m", "pip_audit", "--strict", "--no-deps", "--disable-pip"]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "releases.txt"
        file.write_text("\n".join(pins), encoding="utf-8")
        return subprocess.run([*audit, "--requirement", str(file)], check=False).returncode == 0


if __name__ == "__main__":
    main()
