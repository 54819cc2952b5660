"""One record's tokens for people: the text of each, whether it is trained on, what is beside."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.corpus import Corpus
from stages.errors import SeedbedError
from stages.place import Place
from stages.tokens.model import load_tokenizer, with_tokens
from stages.tokens.packing import bins
from stages.words import number, percent

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MATES = 8  # records of the same row that are named
_PART = re.compile(r"(?:^|,)part=\d+$")


def record(folder: Path, what: str) -> list[str]:
    """The tokens of the rows that a record became, by its id or its place; nothing without any."""
    corpus = Corpus(folder)
    found = rows(corpus, what)
    if not found:
        return []
    parameters = _parameters(corpus)
    told: list[str] = []
    for row in found:
        told += ["", *_row(corpus, row, parameters)] if told else _row(corpus, row, parameters)
    return told


def life(folder: Path, what: str) -> list[str]:
    """The row of training that each row of a record is packed into; nothing without any."""
    corpus = Corpus(folder)
    room = _parameters(corpus).get("max_length")
    return [line for row in rows(corpus, what) for line in _packed(corpus, row, room)]


def _parameters(corpus: Corpus) -> Mapping[str, Any]:
    steps = [step.get("parameters", {}) for step in corpus.manifest.get("steps", [])]
    return next((one for one in steps if "max_length" in one), {})


def rows(corpus: Corpus, what: str) -> list[dict[str, Any]]:
    """The rows with an id or a place, and those of the other parts of the same record."""
    found = list(_where(corpus, "id", what)) or list(_where(corpus, "place", what))
    ids = {row["id"] for row in found}
    wholes = {_whole(row["place"]) for row in found if row.get("place")}
    parts = [row for row in _parts(corpus, wholes) if row["id"] not in ids] if wholes else []
    return sorted([*found, *parts], key=lambda row: _part(row.get("place") or ""))


def _where(corpus: Corpus, column: str, value: str) -> Iterator[dict[str, Any]]:
    """Rows whose column has a value."""
    for table in corpus.batches():
        if column in table.column_names:
            yield from table.filter(pc.equal(table.column(column), value)).to_pylist()


def _parts(corpus: Corpus, wholes: Collection[str]) -> Iterator[dict[str, Any]]:
    """Rows that are a part of a record with one of some places."""
    for table in corpus.batches():
        if "place" not in table.column_names:
            return
        some = pc.fill_null(pc.match_substring(table.column("place"), "part="), False)
        if pc.any(some).as_py():
            for row in table.filter(some).to_pylist():
                if _whole(row["place"]) in wholes:
                    yield row


def _whole(place: str) -> str:
    """A place without the part of a record that it names."""
    if "part=" not in place:
        return place
    found = Place.parse(place)
    key = _PART.sub("", found.key or "") or None
    table = found.table if found.table or key else None
    return str(replace(found, key=key, table=table))


def _part(place: str) -> int:
    match = re.search(r"part=(\d+)\]?$", place)
    return int(match[1]) if match else 0


def _row(corpus: Corpus, row: Mapping[str, Any], parameters: Mapping[str, Any]) -> list[str]:
    ids, mask = row["input_ids"], row["loss_mask"]
    side = f", split {row['split']}" if row.get("split") else ""
    told = [
        f"record     {row['id']}{side}",
        f"place      {row['place']}",
        f"tokens     {number(len(ids))}; {number(sum(mask))} ({percent(sum(mask), len(ids))}) "
        "enter the loss, marked with +",
        *_packed(corpus, row, parameters.get("max_length")),
    ]
    tokenizer: Tokenizer | None = None
    try:
        added = parameters.get("add_tokens") or ()
        tokenizer = load_tokenizer(with_tokens(str(parameters.get("model")), added))
    except SeedbedError as error:
        told.append(f"text       not shown: {error}")
    for at, (token, trained) in enumerate(zip(ids, mask, strict=True)):
        text = "" if tokenizer is None else text_of(tokenizer, token)
        told.append(f"{at:>7} {token:>7} {'+' if trained else ' '} {text}".rstrip())
    return told


def text_of(tokenizer: Tokenizer, token: int) -> str:
    """A token's text in quotes; as its vocabulary writes it, where it is a part of a character."""
    text = tokenizer.decode([token], skip_special_tokens=False)
    own = tokenizer.id_to_token(token)
    if own is None:
        return "(no token of this tokenizer)"
    return json.dumps(own if "\ufffd" in text or not text else text, ensure_ascii=False)


def _packed(corpus: Corpus, row: Mapping[str, Any], room: int | None) -> list[str]:
    """The row of a plan that a record is in, and what is in it too."""
    if room is None or not len(row["input_ids"]):
        return []
    table = corpus.table(["id", "length", *(["split"] if row.get("split") else [])])
    if row.get("split"):
        table = table.filter(pc.equal(table.column("split"), row["split"]))
    ids, sizes = table.column("id"), np.asarray(table.column("length"))
    plan = bins(sizes, room)
    at = plan.row_of(pc.index(ids, row["id"]).as_py())
    held = plan.row(at)
    mates = [one for one in ids.take(pa.array(held)).to_pylist() if one != row["id"]]
    used = int(sizes[held].sum())
    line = f"packed     row {number(at + 1)} of {number(len(plan))} of {number(room)} tokens"
    line += f" (seed 0, epoch 0), filled with {number(used)}"
    if not mates:
        return [f"{line}, alone"]
    named = [f"           {one}" for one in mates[:MATES]]
    if len(mates) > MATES:
        named.append(f"           and {number(len(mates) - MATES)} more")
    return [f"{line}, with", *named]
