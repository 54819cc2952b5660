"""What must be alike on all machines that work on one run: code and libraries always, the kind of
CPU where floats are computed, since their last bits differ from kind to kind."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import re
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TypedDict

# Every library that a stage names; a test compares.
LIBRARIES = (
    "brotli", "duckdb", "jinja2", "numpy", "peft", "pyarrow", "selectolax", "sqlparse",
    "tokenizers", "torch", "transformers", "warcio",
)  # fmt: skip
_KIND = re.compile(
    r"^(?:vendor_id|cpu family|model|CPU implementer|CPU part)[ \t]*: (.+)$", re.MULTILINE
)


class Machine(TypedDict):
    """Code of ours, versions, and the kind of CPU."""

    code: str
    python: str
    libraries: dict[str, str]
    cpu: str


@cache
def machine() -> Machine:
    """This machine."""
    return {
        "code": _code(),
        "python": ".".join(map(str, sys.version_info[:2])),
        "libraries": {name: version for name in LIBRARIES if (version := _version(name))},
        "cpu": cpu_kind(),
    }


def difference(wanted: Machine, alike: bool) -> str | None:
    """Why this machine cannot work for one that is `wanted`, as a sentence; None where it can.
    alike: whether floats are computed."""
    here = machine()
    host = platform.node()
    if here["code"] != wanted["code"]:
        return f"{host} has another version of seedbed than the driver: install the same on both"
    if here["python"] != wanted["python"]:
        return f"{host} has Python {here['python']}, the driver {wanted['python']}: use one version"
    for name in LIBRARIES:
        mine, its = here["libraries"].get(name), wanted["libraries"].get(name)
        if mine != its:
            return (
                f"{host} has {name} {mine or 'not at all'}, the driver {its or 'not at all'}: "
                "install the same versions on both"
            )
    if alike and here["cpu"] != wanted["cpu"]:
        return (
            f"{host} has another kind of CPU ({here['cpu']}) than the driver ({wanted['cpu']}), "
            "and a step on floats would give other bytes there: use machines of one kind"
        )
    return None


@cache
def cpu_kind() -> str:
    """The kind of this machine's CPU, by which libraries choose how to add and multiply."""
    told = []
    with suppress(OSError):
        told = _KIND.findall(Path("/proc/cpuinfo").read_text().split("\n\n")[0])
    return " ".join([platform.machine(), *told])


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _code() -> str:
    """A hash of the files of our packages."""
    home = Path(__file__).resolve().parent.parent.parent
    digest = hashlib.sha256()
    for package in ("pipeline", "stages"):
        for path in sorted((home / package).rglob("*.py")):
            digest.update(f"{path.relative_to(home)}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
