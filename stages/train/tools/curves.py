"""`seedbed curves WHAT …`: learning curves, token curves and findings as one offline page."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.errors import UsageError

if TYPE_CHECKING:
    from stages.curves.finding import Finding
    from stages.curves.log import Log
    from stages.curves.page.learning import Learning
    from stages.curves.page.tokens import TokenCurves
    from stages.curves.page.write import Content

    Logged = tuple[Log, list[Finding]]

ABOUT = "learning curves with findings and token curves as one offline page; plots for papers"
PAGE = "curves.html"
MANY = 2000  # curves from which placing them is worth a word
HEAD = 2000  # characters of a page in which its mark stands


def options(parser: argparse.ArgumentParser) -> None:
    """What the tool takes."""
    from stages.curves.page.learning import AXES, FIGURES
    from stages.curves.page.plot import ENDINGS

    parser.add_argument(
        "what", nargs="*", type=Path,
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
        "--which", type=int,
        help="which model of a file with curves of several, from 0; default: the last",
    )  # fmt: skip
    _of_checkpoints(parser.add_argument_group("curves of checkpoints, measured here"))


def _of_checkpoints(group: argparse._ArgumentGroup) -> None:
    from stages.train import retention, revisions

    group.add_argument(
        "--checkpoints", nargs="+", default=[], metavar="MODEL",
        help="folders of models or adapters, or a hub's owner/name@revision, of one training",
    )  # fmt: skip
    group.add_argument(
        "--text", default=retention.GENERAL,
        help="a text file (UTF-8) whose tokens are measured; default: a small built-in text",
    )  # fmt: skip
    group.add_argument(
        "--tokens", type=Path,
        help="a tokens corpus whose validation side is measured in place of a text",
    )  # fmt: skip
    group.add_argument(
        "--count", type=int, default=revisions.TOKENS,
        help=f"tokens that are measured, at most; default: {revisions.TOKENS:,}",
    )  # fmt: skip
    group.add_argument("--model", help="the base model of adapters that do not say it")
    group.add_argument(
        "--device", choices=["auto", "cpu", "cuda"], default="auto", help="default: auto"
    )
    group.add_argument(
        "--precision", choices=["auto", "fp32", "bf16"], default="fp32", help="default: fp32"
    )


def act(given: argparse.Namespace) -> int:
    """Read all, say what was found, write page and plots."""
    from stages.charts.live.page import check_ours
    from stages.curves.page.plot import ENDINGS, plot
    from stages.curves.page.write import MARK, written
    from stages.disk import write_whole

    if not given.what and not given.checkpoints:
        raise UsageError("name a run's folder, a training log, or --checkpoints")
    if given.json is not None:
        _check_logs(given)
    if given.json == Path("-"):
        print(_as_json(_logs(given.what).values()))
        return 0
    out = given.out or _default(given.what)
    for path in given.plot:
        if path.suffix.lower() not in ENDINGS:
            raise UsageError(f"{path}: a plot is written as {', '.join(ENDINGS)}")
    for path in (out, *given.plot, *filter(None, [given.json])):
        if not path.parent.is_dir():
            raise UsageError(f"{path.parent} is no folder to write {path.name} to")
    check_ours(out, MARK)
    if given.json is not None:
        _check_findings(given.json)
    written_to = [path.resolve() for path in (out, *given.plot, *filter(None, [given.json]))]
    if len({*written_to}) < len(written_to):
        raise UsageError("page, plots and --json need a file each: two have the same name")
    logs = _logs(given.what)
    content = _content(given, logs)
    if content.tokens is not None and len(content.tokens) > MANY:
        told = "some minutes where UMAP is used, which --projection pca saves"
        print(f"placing {len(content.tokens):,} curves: {told}", file=sys.stderr, flush=True)
    write_whole(out, written(content))
    print(f"page       {out}")
    if given.json is not None:
        write_whole(given.json, _as_json(logs.values()) + "\n")
        print(f"json       {given.json}")
    for path in given.plot:
        plot(
            content.runs, path, tokens=content.tokens, figure=given.figure, axis=given.over,
            logarithmic=given.log, way=given.projection,
        )  # fmt: skip
        print(f"plot       {path}")
    return 0


def _check_logs(given: argparse.Namespace) -> None:
    """UsageError where --json is asked of what is no log."""
    from stages.curves.page import founding

    if not given.what:
        raise UsageError("--json tells of logs: name one, or leave it out")
    for path in given.what:
        if founding.is_founding(path):
            raise UsageError(f"{path} holds token curves and no log, of which --json tells")


def _logs(what: Sequence[Path]) -> dict[Path, Logged]:
    """The log of each that is one, with what was found in it."""
    from stages.curves.findings import findings
    from stages.curves.page import founding
    from stages.curves.read import read_log

    logs: dict[Path, Logged] = {}
    for path in what:
        if not path.exists():
            raise UsageError(f"{path} does not exist: name a run's folder or a training log")
        if not founding.is_founding(path):
            log = read_log(_run_folder(path))
            logs[path] = log, findings(log)
    return logs


def _as_json(logs: Iterable[Logged]) -> str:
    """A list of what was read of each: `stages.curves.told.as_json`."""
    from stages.curves.told import as_json
    from stages.records import to_json

    return to_json([as_json(log, found) for log, found in logs])


def _run_folder(path: Path) -> Path:
    """The adapter of a run's folder; anything else as it is."""
    return path / "adapter" if (path / "adapter" / "curve.jsonl").is_file() else path


def _default(what: Sequence[Path]) -> Path:
    """In the folder of a run, when one is asked for; else here."""
    only = what[0] if len(what) == 1 else None
    return only / PAGE if only is not None and (only / "run.json").is_file() else Path(PAGE)


def _check_findings(path: Path) -> None:
    """UsageError when a file is in the way that holds no findings of ours."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder: name a file for --json")
    if path.is_file():
        with open(path, encoding="utf-8", errors="replace") as file:
            if not file.read(HEAD).startswith('[{"checkpoints":'):
                raise UsageError(f"{path} is a file of yours: name another for --json")


def _content(given: argparse.Namespace, logs: Mapping[Path, Logged]) -> Content:
    from stages.curves.page import founding, learning, recorded
    from stages.curves.page.write import Content

    names = _names(given.what)
    runs: list[Learning] = []
    found: dict[str, Any] = {}
    for path, name in zip(given.what, names, strict=True):
        if path not in logs:
            read = founding.read(path, given.which)
            runs += [learning.of_mean(*mean) for mean in read.means]
            if read.curves is not None:
                _once(found, "tokens", path, read.curves)
            continue
        folder, (log, findings) = _run_folder(path), logs[path]
        _tell(log, findings, name if len(given.what) > 1 else None)
        runs.append(learning.of_log(folder, log, findings, name))
        if len(given.what) == 1 and recorded.is_recorded(folder):
            found["tokens"] = recorded.token_curves(folder)
            if found["tokens"] is not None:
                found["by_record"] = recorded.colours_of_records(folder)
            found["histories"] = recorded.histories(folder)
    if given.which is not None and "tokens" not in found:
        raise UsageError("--which chooses among curves of several models, and there are none")
    if given.checkpoints:
        if "tokens" in found:
            raise UsageError("a page has room for the token curves of one training")
        curves = found["tokens"] = _measured(given)
        names.append(Path(given.checkpoints[-1].partition("@")[0]).resolve().name)
        mean = learning.of_mean("mean of the tokens", curves.steps, curves.mean())
        runs.append({**mean, "unit": f"{curves.axis}s"})
    title = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    return Content(title, runs, **found, way=given.projection)


def _tell(log: Log, found: Sequence[Finding], name: str | None) -> None:
    """Say what was found; name: of one of several."""
    from stages.curves import told

    if name is not None:
        print(f"{'run':<{told.NAMES}} {name}")
    print(f"{'read':<{told.NAMES}} {told.read(log)}")
    for line in told.told(found, log.notes):
        print(line)


def _measured(given: argparse.Namespace) -> TokenCurves:
    """The curves of the checkpoints that are named."""
    import dataclasses
    import os

    from stages.train import model as models
    from stages.train import revisions
    from stages.train.tools.options import Ticker, number_in

    number_in(given.count, "count", 2, 1_000_000)
    found, axis = revisions.checkpoints(given.checkpoints)
    models.set_threads(os.cpu_count() or 1)
    device = models.device_of(given.device)
    precision = models.precision_of(given.precision, device)
    documents, told = revisions.documents_for(found[0].said, given.text, given.tokens, given.count)
    curves = revisions.measured(
        found, axis, documents, device, precision,
        base=given.model, told=Ticker("checkpoints", len(found)),
    )  # fmt: skip
    return dataclasses.replace(curves, notes=[told])


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
        name = plain = place.name or str(place)
        count = 1
        while name in names:
            count += 1
            name = f"{plain} ({count})"
        names.append(name)
    return names
