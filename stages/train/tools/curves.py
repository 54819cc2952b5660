"""`seedbed curves WHAT …`: learning curves, token curves and findings as one offline page."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.errors import UsageError

if TYPE_CHECKING:
    from stages.curves.page.learning import Learning
    from stages.curves.page.write import Content

ABOUT = "learning curves with findings and token curves as one offline page; plots for papers"
PAGE = "curves.html"
HEAD = 2000  # characters of a page in which its mark stands


def options(parser: argparse.ArgumentParser) -> None:
    """What the tool takes."""
    from stages.curves.page.learning import AXES, FIGURES
    from stages.curves.page.plot import ENDINGS

    parser.add_argument(
        "what", nargs="+", type=Path,
        help="folders of runs, adapters or other trainers, training logs, or a folder with "
        "curves.npy and tokens.pkl; several are drawn over each other",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--out", type=Path,
        help=f"the page; default: {PAGE} in the run's folder, or here for what is no run",
    )  # fmt: skip
    parser.add_argument(
        "--plot", type=Path, action="append", default=[],
        help=f"also a plot for a paper, {', '.join(ENDINGS)}; may be given more than once",
    )  # fmt: skip
    parser.add_argument(
        "--figure", default="loss",
        choices=list(FIGURES),
        help="what the plot shows; default: loss",
    )  # fmt: skip
    parser.add_argument(
        "--over", default="step", choices=list(AXES),
        help="the plot's axis: steps, tokens, trained tokens or epochs; default: step",
    )  # fmt: skip
    parser.add_argument(
        "--json", type=Path,
        help="also the logs as they were understood and the findings as JSON; - for the terminal, "
        "which then gets nothing else, and no page is written",
    )  # fmt: skip
    parser.add_argument("--log", action="store_true", help="a logarithmic axis in the plot")
    parser.add_argument(
        "--projection", default="auto", choices=["auto", "umap", "pca"],
        help="how token curves become points; default: UMAP where it is installed",
    )  # fmt: skip
    parser.add_argument(
        "--model", type=int,
        help="which model of a file with curves of several, from 0; default: the last",
    )  # fmt: skip


def act(given: argparse.Namespace) -> int:
    """Read all, say what was found, write page and plots."""
    from stages.curves.page.plot import ENDINGS, plot
    from stages.curves.page.write import written

    if given.json == Path("-"):
        print(_as_json(given.what))
        return 0
    out = given.out or _default(given.what)
    for path in given.plot:
        if path.suffix.lower() not in ENDINGS:
            raise UsageError(f"{path}: a plot is written as {', '.join(ENDINGS)}")
    for path in (out, *given.plot, *filter(None, [given.json])):
        if not path.parent.is_dir():
            raise UsageError(f"{path.parent} is no folder to write {path.name} to")
    _check_ours(out)
    if given.json is not None:
        _check_findings(given.json)
    content = _content(given)
    for run in content.runs:
        for line in _lines(run, many=len(content.runs) > 1):
            print(line)
    out.write_text(written(content), encoding="utf-8")
    print(f"page       {out}")
    if given.json is not None:
        given.json.write_text(_as_json(given.what) + "\n", encoding="utf-8")
        print(f"json       {given.json}")
    for path in given.plot:
        plot(
            content.runs, path, tokens=content.tokens, figure=given.figure, axis=given.over,
            logarithmic=given.log, way=given.projection,
        )  # fmt: skip
        print(f"plot       {path}")
    return 0


def _as_json(what: Sequence[Path]) -> str:
    """A list of what was read of each: `stages.curves.told.as_json`."""
    from stages.curves.findings import findings
    from stages.curves.read import read_log
    from stages.curves.told import as_json
    from stages.records import to_json

    logs = [read_log(_run_folder(path)) for path in what]
    return to_json([as_json(log, findings(log)) for log in logs])


def _run_folder(path: Path) -> Path:
    """The adapter of a run's folder; anything else as it is."""
    return path / "adapter" if (path / "adapter" / "curve.jsonl").is_file() else path


def _default(what: Sequence[Path]) -> Path:
    """In the folder of a run, when one is asked for; else here."""
    only = what[0] if len(what) == 1 else None
    return only / PAGE if only is not None and (only / "run.json").is_file() else Path(PAGE)


def _check_ours(out: Path) -> None:
    """UsageError when a file is in the way that is no page of curves."""
    from stages.curves.page.write import MARK

    if out.is_dir():
        raise UsageError(f"{out} is a folder: name a file for the page with -o")
    if out.is_file():
        with open(out, encoding="utf-8", errors="replace") as file:
            if f'name="generator" content="{MARK}"' not in file.read(HEAD):
                raise UsageError(f"{out} is a file of yours: name another for the page with -o")


def _check_findings(path: Path) -> None:
    """UsageError when a file is in the way that holds no findings of ours."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder: name a file for --json")
    if path.is_file():
        with open(path, encoding="utf-8", errors="replace") as file:
            if not file.read(HEAD).startswith('[{"checkpoints":'):
                raise UsageError(f"{path} is a file of yours: name another for --json")


def _content(given: argparse.Namespace) -> Content:
    from stages.curves.page import founding, learning, recorded
    from stages.curves.page.write import Content

    names = _names(given.what)
    runs: list[Learning] = []
    found: dict[str, Any] = {}
    for path, name in zip(given.what, names, strict=True):
        if not path.exists():
            raise UsageError(f"{path} does not exist: name a run's folder or a training log")
        if founding.is_founding(path):
            read = founding.read(path, given.model)
            runs += [learning.of_mean(*mean) for mean in read.means]
            if read.curves is not None:
                _once(found, "tokens", path, read.curves)
            continue
        folder = _run_folder(path)
        runs.append(learning.of_log(folder, name))
        if len(given.what) == 1 and recorded.is_recorded(folder):
            found["tokens"] = recorded.token_curves(folder)
            if found["tokens"] is not None:
                found["by_record"] = recorded.colours_of_records(folder)
            found["histories"] = recorded.histories(folder)
    if given.model is not None and "tokens" not in found:
        raise UsageError("--model chooses among curves of several models, and there are none")
    title = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    return Content(title, runs, **found, way=given.projection)


def _once(found: dict[str, Any], key: str, path: Path, value: object) -> None:
    if key in found:
        raise UsageError(f"{path}: a page has room for the token curves of one folder")
    found[key] = value


GENERIC = ("adapter", "curve.jsonl", "trainer_state.json", "trainer_log.jsonl")


def _names(what: Sequence[Path]) -> list[str]:
    """What each is called: its own name, or its folder's for names that all have; each once."""
    names: list[str] = []
    for path in what:
        place = path.resolve()
        while place.name in GENERIC and place.parent != place:
            place = place.parent
        name = place.name or str(place)
        names.append(name if name not in names else f"{name} ({names.count(name) + 1})")
    return names


def _lines(run: Learning, many: bool) -> list[str]:
    """The findings of a run, a line each."""
    head = [f"run        {run['name']}"] if many else []
    head += [f"read       {run['read']}"] if run["read"] else []
    found = [f"finding    {one['title']}: {one['words']}" for one in run["findings"]]
    return [*head, *found, *(f"repaired   {note}" for note in run["repairs"])]
