"""What a training recorded of single records and tokens (`recorded/`), as the page shows it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from stages.corpus import read_arrow
from stages.curves.page.learning import numbers, readable
from stages.curves.page.tokens import Texts, TokenCurves
from stages.errors import UsageError

Array = np.ndarray[Any, Any]

FORMAT = 1
FOLDER = "recorded"
VISITS = 400  # points of a record's history


class History(TypedDict):
    """A record over training. losses at `steps`, nats a counted token. facts: (name, value). worst:
    its place among the worst from 1, or null. text: null where it is on the page as tokens."""

    id: str
    split: str
    steps: list[float | None]
    losses: list[float | None]
    base: float | None
    first: float | None
    last: float | None
    targets: int
    facts: list[tuple[str, str]]
    worst: int | None
    text: str | None


def is_recorded(folder: Path) -> bool:
    """Whether a folder of weights has such files beside them."""
    return (folder / FOLDER / "recorded.json").is_file()


def about(folder: Path) -> dict[str, Any]:
    """`recorded.json`; UsageError for one of another format or a damaged one."""
    path = folder / FOLDER / "recorded.json"
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise UsageError(f"{path} is not of format {FORMAT}: train again with this version")
    return found


def token_curves(folder: Path) -> TokenCurves | None:
    """The curves of the probe's tokens; None where there is no probe."""
    with readable(folder / FOLDER):
        return _token_curves(folder)


def _token_curves(folder: Path) -> TokenCurves | None:
    told, place = about(folder), folder / FOLDER
    if not (place / "probe.npy").is_file() or not (place / "probe.arrow").is_file():
        return None
    losses = np.load(place / "probe.npy", allow_pickle=False).astype(np.float32).T
    probe = read_arrow(place / "probe.arrow").to_pylist()
    if not probe or not losses.size:
        return None
    records = _taken(place, [row["record"] for row in probe], ["id", "split", "source"])
    texts, at, names, sources = Texts(), [], [], []
    for row, record in zip(probe, records, strict=True):
        pieces = row["pieces"] or [f"⟨{token}⟩" for token in row["input_ids"]]
        begin = texts.add(pieces)
        at.append(begin + np.flatnonzero(row["targets"]))
        names.append(f"{record['id']} ({record['split']})")
        sources.append(str(record["source"]))
    places = np.concatenate(at)
    if len(places) != len(losses):
        raise UsageError(
            f"{place / 'probe.npy'} has {len(losses):,} curves and probe.arrow {len(places):,} "
            "targets: the two are not of one training"
        )
    ids, begins, known = texts.made()
    notes = []
    if rule := (told.get("probe") or {}).get("rule"):
        notes.append(f"the probe: {rule}")
    if any(row["pieces"] is None for row in probe):
        notes.append("the training had no tokenizer: tokens are shown by their numbers")
    steps = np.array([point["step"] for point in told["points"]], dtype=np.int64)
    return TokenCurves(steps, losses, ids, begins, places, known, names, sources, notes=notes)


def colours_of_records(folder: Path) -> dict[str, list[str]]:
    """What records of the probe are coloured by: words → a name a record of the probe."""
    place = folder / FOLDER
    with readable(place):
        numbers_of = read_arrow(place / "probe.arrow", ["record"]).column("record").to_pylist()
        mine = _taken(place, numbers_of, ["split", "source", "cluster"])
    return {
        "side": [{"train": "training", "val": "validation"}[row["split"]] for row in mine],
        "source": [str(row["source"]) for row in mine],
        "cluster of records": [str(row["cluster"] or "none") for row in mine],
    }


def histories(folder: Path) -> list[History]:
    """The worst records, the worst first, and then those of the probe."""
    with readable(folder / FOLDER):
        return _histories(folder)


def _histories(folder: Path) -> list[History]:
    place = folder / FOLDER
    table = read_arrow(place / "records.arrow", ["id", "probed"])
    worst = {row["id"]: row for row in _lines(place / "worst.jsonl")}
    ids = table.column("id").to_pylist()
    numbers_of = {id_: number for number, id_ in enumerate(ids) if id_ in worst}
    chosen: dict[int, Mapping[str, Any]] = {
        numbers_of[id_]: row for id_, row in worst.items() if id_ in numbers_of
    }
    probed = table.column("probed").to_numpy(zero_copy_only=False)
    for row in np.flatnonzero(probed).tolist():
        chosen.setdefault(row, {})
    records = _taken(place, list(chosen))
    measured = _measured(place, set(chosen))
    made: list[History] = []
    pairs = zip(chosen.items(), records, strict=True)
    for rank, ((number, said), record) in enumerate(pairs, 1):
        some = sorted(measured.get(number, []))
        if len(some) > VISITS:
            some = [some[at] for at in np.linspace(0, len(some) - 1, VISITS).astype(int)]
        made.append(
            {
                "id": record["id"],
                "split": record["split"],
                "steps": numbers(step for step, _ in some),
                "losses": numbers(loss for _, loss in some),
                "base": _rounded(record["base"]),
                "first": _rounded(record["first"]),
                "last": _rounded(record["last"]),
                "targets": record["targets"],
                "facts": [
                    (words, str(record[key]))
                    for key, words in (
                        ("source", "source"), ("cluster", "cluster"), ("group", "duplicate group"),
                        ("length", "tokens"), ("measured", "times measured"),
                    )
                    if record[key] is not None
                ],
                "worst": rank if said else None,
                "text": said.get("text"),
            }
        )  # fmt: skip
    return made


def _taken(
    place: Path, rows: list[int], columns: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """Rows of records.arrow by their numbers, in that order: some columns, or all."""
    table = read_arrow(place / "records.arrow", columns)
    found: list[dict[str, Any]] = table.take(rows).to_pylist()
    return found


def _rounded(value: float | None) -> float | None:
    return None if value is None else numbers([value])[0]


def _measured(place: Path, wanted: set[int]) -> dict[int, list[tuple[int, float]]]:
    """(step, loss) of each wanted record: of its visits in training, or of validations."""
    found: dict[int, list[tuple[int, float]]] = defaultdict(list)
    keep = np.array(sorted(wanted), dtype=np.int64)
    for name in ("visits.arrow", "evaluations.arrow"):
        if not (place / name).is_file():
            continue
        table = read_arrow(place / name, ["step", "record", "loss"])
        record = table.column("record").to_numpy()
        rows = np.flatnonzero(np.isin(record, keep))
        step, loss = table.column("step").to_numpy(), table.column("loss").to_numpy()
        for row in rows:
            found[int(record[row])].append((int(step[row]), float(loss[row])))
    return found


def _lines(path: Path) -> list[dict[str, Any]]:
    from stages import json_lines

    return json_lines.read(path) if path.is_file() else []
