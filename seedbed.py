"""seedbed in Python: `from seedbed import HtmlExtract, run, plan, Corpus`, and the console script.

Importing this loads nothing and changes nothing; a name's module is loaded when it is asked for.

    run("recipe.yaml", workers=2)   a recipe from raw files to what its last step makes → Result
    plan("recipe.yaml")             the same recipe checked, in words → Plan
    HtmlExtract()("site")           a stage as a function; `seedbed.__all__` names them all

The console script never imports what lies beside the data: `python -m` puts the working folder
first on the path, and an empty or relative entry of PYTHONPATH means it too. `main` undoes this
before anything is imported but `os` and `sys`, which Python holds already (so there is no
`__future__` here).
"""

import os
import sys

_HOME = os.path.dirname(os.path.realpath(__file__))

# What stages and those who write them need, beside the classes of the stages themselves.
_PUBLIC = {
    "run": "pipeline.verbs.run",
    "plan": "pipeline.verbs.plan",
    "Result": "pipeline.engine.run",
    "Plan": "pipeline.verbs.plan",
    "Corpus": "stages.corpus",
    "Map": "stages.base",
    "Fit": "stages.base",
    "End": "stages.base",
    "RowSource": "stages.base",
    "DocumentSource": "stages.base",
    "Part": "stages.base",
    "Item": "stages.base",
    "Fault": "stages.base",
    "State": "stages.base",
    "VisibleState": "stages.base",
    "Place": "stages.place",
    "Batch": "stages.verdicts",
    "Verdicts": "stages.verdicts",
    "Case": "stages.testing",
    "check_stage": "stages.testing",
    "SeedbedError": "stages.errors",
    "UsageError": "stages.errors",
    "StageFailed": "stages.errors",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("seedbed")
        except PackageNotFoundError:
            return "0 (not installed)"
    if name.startswith("_") and name != "__all__":
        raise AttributeError(f"module 'seedbed' has no attribute {name!r}")
    if wrong := _hidden(sys.path):
        raise ImportError(wrong)
    import stages

    modules = {**_PUBLIC, **{cls: module for module, cls in stages.TABLE.values()}}
    if name == "__all__":
        return sorted([*modules, "main"])
    if name not in modules:
        raise AttributeError(f"module 'seedbed' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(modules[name]), name)


def __dir__() -> list[str]:
    return [*__getattr__("__all__"), "__all__", "__doc__", "__version__"]  # type: ignore[misc]


def _hidden(path: list[str]) -> str | None:
    """What is wrong when another `pipeline` or `stages` than ours stands first on the path: they
    are plain names, and a file or folder of the user's may be called so."""
    from importlib.machinery import PathFinder
    from importlib.util import find_spec

    for name in ("pipeline", "stages"):
        spec = PathFinder.find_spec(name, path) or find_spec(name)
        found = os.path.realpath(spec.origin) if spec and spec.origin else None
        if found is None or os.path.dirname(found) != os.path.join(_HOME, name):
            return (
                f"{found or 'a folder without __init__.py'} hides seedbed's own {name} "
                f"({os.path.join(_HOME, name)}): rename it, or run from another folder"
            )
    return None


def _keep_off_path(folder: str) -> None:
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
            place in (_HOME, library)
            or place.startswith(library + os.sep)
            or os.path.basename(place) in ("site-packages", "dist-packages")
            or (os.path.isabs(entry) and place not in {os.path.realpath(folder), *relative})
        )

    sys.path[:] = [entry for entry in sys.path if stays(entry)]
    if given is not None:
        kept = [os.path.abspath(entry) for entry in named if stays(entry)]
        os.environ["PYTHONPATH"] = os.pathsep.join(kept)


def main() -> None:
    """The command line; ends the process with one of the exit codes of `pipeline.cli`."""
    # Threads of NumPy's own are of no use to the engine, and each takes memory when it is loaded.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    path = list(sys.path)
    try:
        _keep_off_path(os.getcwd())
    except FileNotFoundError:
        _refuse("the working folder is gone: change to one that is there")
    if wrong := _hidden(path):
        _refuse(wrong)
    import signal

    early: list[int] = []  # signals that come now wait: libraries are loaded whole

    def note(number: int, frame: object) -> None:
        early.append(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, note)
    from pipeline.trouble import told

    try:
        from pipeline.cli import main as command
    except (ImportError, MemoryError) as error:
        if (known := told(error)) is None:
            raise
        _refuse(str(known), known.exit_code)

    group = None
    if "TORCHELASTIC_RUN_ID" in os.environ:  # of which the first does what the command says
        from stages.train import launch

        group = launch if launch.by_torchrun() else None
    if group and os.environ["RANK"] != "0":
        group.follow()
        _leave(0)
    try:
        command(early=early)
    except SystemExit as end:
        code = int(end.code or 0)
    if group and not code:  # else torchrun ends the others
        group.release()
    _leave(code)


def _leave(code: int) -> None:
    """End the process. Where torch was loaded without the destructors of its libraries: their
    threads may still run, and one that looks for an interpreter which is gone aborts."""
    if "torch" in sys.modules:
        import atexit

        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):  # nobody reads, or it was closed
                code = code or 120  # as Python says it
        os._exit(code)
    raise SystemExit(code)


def _refuse(why: str, code: int = 2) -> None:
    print(f"seedbed: {why}", file=sys.stderr)
    raise SystemExit(code)


if __name__ == "__main__":
    main()
