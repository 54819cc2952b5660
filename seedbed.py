"""The console script: keeps folders of data off Python's search path, and says which file hides
seedbed's packages, in place of an ImportError.

What lies beside the data is never imported: `python -m` puts the working folder first on the path,
and an empty or relative entry of PYTHONPATH means it too. This is undone before anything else is
imported, but for `os` and `sys`, which Python holds already (so there is no `__future__` here).
`stages` and `pipeline` are plain names: a file or folder of the user's that is called so would be
imported for ours.
"""

import os
import sys

HOME = os.path.dirname(os.path.realpath(__file__))


def keep_off_path(folder: str) -> None:
    """No import finds what lies in `folder`, here or in the processes that are started.

    Python's own folders stay, and the one with seedbed's code. Python has made the relative
    entries of PYTHONPATH absolute by now: they are taken out as well.
    """
    given = os.environ.get("PYTHONPATH")
    named = given.split(os.pathsep) if given else []
    relative = {os.path.realpath(entry) for entry in named if not os.path.isabs(entry)}

    def stays(entry: str) -> bool:
        place = os.path.realpath(entry)
        library = os.path.dirname(os.path.realpath(os.__file__))
        return (
            place in (HOME, library)
            or place.startswith(library + os.sep)
            or os.path.basename(place) in ("site-packages", "dist-packages")
            or (os.path.isabs(entry) and place not in {os.path.realpath(folder), *relative})
        )

    sys.path[:] = [entry for entry in sys.path if stays(entry)]
    if given is not None:
        kept = [os.path.abspath(entry) for entry in named if stays(entry)]
        os.environ["PYTHONPATH"] = os.pathsep.join(kept)


_path = list(sys.path)
try:
    keep_off_path(os.getcwd())
except FileNotFoundError:
    print("seedbed: the working folder is gone: change to one that is there", file=sys.stderr)
    raise SystemExit(2) from None

import signal  # noqa: E402
from importlib.machinery import PathFinder  # noqa: E402
from importlib.util import find_spec  # noqa: E402
from typing import NoReturn  # noqa: E402


def hidden() -> str | None:
    """What is wrong when another `pipeline` or `stages` than ours stands first on the path."""
    for name in ("pipeline", "stages"):
        spec = PathFinder.find_spec(name, _path) or find_spec(name)
        found = os.path.realpath(spec.origin) if spec and spec.origin else None
        if found is None or os.path.dirname(found) != os.path.join(HOME, name):
            return (
                f"{found or 'a folder without __init__.py'} hides seedbed's own {name} "
                f"({os.path.join(HOME, name)}): rename it, or run from another folder"
            )
    return None


if message := hidden():
    print(f"seedbed: {message}", file=sys.stderr)
    raise SystemExit(2)


def main() -> NoReturn:
    """The entry point of the command line."""
    early: list[int] = []  # signals that come now wait: libraries are loaded whole

    def note(number: int, frame: object) -> None:
        early.append(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, note)
    from pipeline.cli import main as run

    run(early=early)


if __name__ == "__main__":
    main()
