"""How much of each source, or cluster, a corpus has: what is over is left out, what is short is
repeated where that is allowed, and both are told. Who is taken is decided by (seed, id) alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.base import Fit, Needs, Stage, State, VisibleState
from stages.clean.shingles import Hashes
from stages.counts import characters
from stages.errors import UsageError
from stages.records import FORMS
from stages.select.sides.connected import opened
from stages.tokens import model as models
from stages.tokens import shares
from stages.tokens.shares import EACH, Ints, Portion
from stages.verdicts import Batch, Verdicts
from stages.words import number, percent

NONE = "none"  # what a record without a value is called
TOLD = 20  # values that people are told of
_TWICE = "copies of its own would have their ids; mix what was there before the copies"
_MADE = ("cluster", "group")  # columns that a stage before must make
_OBSERVED = pa.schema(
    [
        ("value", pa.string()),
        ("inner", pa.string()),
        ("draw", pa.uint64()),
        ("amount", pa.int64()),
    ]
)
# times: how often every record stands; once more those that drew at most `limit` (null: none).
_RULES = pa.schema(
    [
        ("value", pa.string()),
        ("inner", pa.string()),
        ("times", pa.int32()),
        ("limit", pa.uint64()),
        ("share", pa.float64()),
        ("kept", pa.int64()),
        ("of", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Mix(Fit):
    """Give each source, cluster or other value of a column its share of the corpus.

    by: the column, or key of `meta`, whose values have shares: source, cluster, language …
    share: values with their weights, as faq=0.3,wiki=0.7; `others` for each value that is not
        named, and 0 leaves its records out. Weights are parts of their sum. Default
        others=1: all alike.
    unit: what is shared out: records, characters, or tokens of the records' texts (the tokenizer's
        of `model`, without what a chat template adds).
    total: how much there is to be of all, in that unit; 0 is as much as no value is short of.
    repeat: how often a record may stand. Up to four times cost training little in Muennighoff et
        al. 2023 (Scaling data-constrained language models). Default 1: nothing is repeated.
    even: a column whose values have like parts of each share, as far as they reach: cluster. Not
        applied to what stands in full.
    model: whose tokenizer counts tokens: smollm2 (embedded), a folder, or a Hugging Face id.
    seed: random number that decides which records are taken.

    Column: `copy_of`, the id of the record that a repeated one is a copy of, null for all others.
    Copies have ids of their own, made of that id and their number. After `split` the val side is
    left as it is; before it, copies stay on the side of their record. `dedup` belongs before: it
    would take copies out again. The end of a run tells what each value was to have and has, what
    is short, and what is repeated.
    """

    name: ClassVar[str] = "mix"
    reasons: ClassVar[Mapping[str, str]] = {
        "over_share": "more than the share of its source, cluster or the like; drawn by chance",
        "no_share": "its source, cluster or the like has the weight 0, or none of the unit",
    }
    usual: ClassVar[tuple[str, ...]] = ("over_share", "no_share")
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "pyarrow", "tokenizers")

    by: str = "source"
    share: tuple[str, ...] = (f"{EACH}=1",)
    unit: Literal["records", "characters", "tokens"] = "records"
    total: int = field(default=0, metadata={"range": (0, 1 << 50)})
    repeat: int = field(default=1, metadata={"range": (1, 1000)})
    even: str | None = None
    model: str = field(default=models.EMBEDDED, metadata={"shared": True})
    seed: int = field(default=0, metadata={"range": (0, 1 << 40)})

    def needs(self) -> Needs:
        """A form, and the columns that a stage makes."""
        return (FORMS, *((one,) for one in (self.by, self.even) if one in _MADE))

    def makes(self) -> Mapping[str, pa.DataType]:
        """copy_of: the id of a copy's record."""
        return {"copy_of": pa.string()}

    def contradictions(self) -> tuple[str, ...]:
        """Shares that are none; a model that is not there."""
        found = []
        try:
            shares.weights(self.share)
        except ValueError as error:
            found.append(f"share {error}")
        if self.unit == "tokens" and (problem := models.problem_with(self.model)):
            found.append(problem)
        return tuple(found)

    def conflicts(self, before: Sequence[Stage]) -> tuple[str, ...]:
        """A mix of what a mix has repeated."""
        if any(isinstance(stage, Mix) and stage.repeat > 1 for stage in before):
            return (f"a mix before it repeats records, and {_TWICE}",)
        return ()

    def tell(self, row: Mapping[str, Any]) -> list[str]:
        """Of a copy, whose it is."""
        return [f"a copy of {row['copy_of']}"] if row.get("copy_of") else []

    def resources(self) -> tuple[Path, ...]:
        """The tokenizer's files, where tokens are counted."""
        return models.resources(self.model) if self.unit == "tokens" else ()

    # --- what there is, and who has how much ---

    def observe(self, batch: Batch, seen: VisibleState) -> pa.Table:
        """Value, draw and amount of each record that is mixed."""
        if "copy_of" in batch.table.column_names and len(batch.table["copy_of"].drop_null()):
            raise UsageError(
                f"mix: these records hold copies of a mix (column copy_of), and {_TWICE}"
            )
        mixed = np.flatnonzero(_is_mixed(batch))
        columns = [
            pa.array(_values(batch, self.by), pa.string()),
            pa.array(_values(batch, self.even) if self.even else [""] * len(batch), pa.string()),
            pa.array(self._draws(batch)),
            pa.array(self._amounts(batch)),
        ]
        return pa.Table.from_arrays(
            [one.take(pa.array(mixed)) for one in columns], schema=_OBSERVED
        )

    def merge(self, tables: Sequence[pa.Table], state: State) -> State:
        """The rule of each value: how often its records stand, and up to which draw once more."""
        table = pa.concat_tables(tables)
        told = _Told(self)
        rules = self._rules(table, told) if table.num_rows else _RULES.empty_table()
        said: dict[str, Any] = {"lines": told.lines, "warnings": told.warnings}
        return State(1, done=True, tables={"rules": rules}, told=said)

    def _rules(self, table: pa.Table, told: _Told) -> pa.Table:
        values, value = np.unique(table["value"].to_numpy(), return_inverse=True)
        inners, inner = np.unique(table["inner"].to_numpy(), return_inverse=True)
        for column, found in ((self.by, values), (self.even, inners)):
            if column and found.tolist() == [NONE]:
                raise UsageError(
                    f"mix: no record has a column {column!r} with a value, nor that key in its meta"
                )
        amount, draw = table["amount"].to_numpy(), table["draw"].to_numpy()
        there = np.bincount(value, amount, len(values)).astype(np.int64)
        share = shares.weights(self.share)
        sums = dict(zip(values.tolist(), there.tolist(), strict=True))
        portions = shares.portions(sums, share, self.total, self.repeat, self.by)
        rules: list[dict[str, Any]] = []
        order = np.lexsort((draw, inner, value))
        cuts = np.searchsorted(value[order], np.arange(len(values) + 1))
        for at, name in enumerate(values.tolist()):
            own = order[cuts[at] : cuts[at + 1]]
            mine = self._rules_of(portions[name], inner[own], amount[own], draw[own])
            for one in mine:
                one |= {"value": name, "inner": inners[one["inner"]]}
            told.portion(name, portions[name], mine)
            rules += mine
        told.end(portions, [one for one in share if one != EACH and one not in sums])
        return pa.Table.from_pylist(rules, schema=_RULES)

    def _rules_of(
        self, one: Portion, inner: Ints, amount: Ints, draw: Hashes
    ) -> list[dict[str, Any]]:
        """The rules of one value, whose rows are sorted by their inner value and draw."""
        names, starts = np.unique(inner, return_index=True)
        ends = [*starts[1:].tolist(), len(inner)]
        there = np.add.reduceat(amount, starts)
        parts = shares.even(there, one.rest).tolist() if self.even else [one.rest]
        rules = []
        for at, (begin, end) in enumerate(zip(starts.tolist(), ends, strict=True)):
            more = shares.nearest_sum(amount[begin:end], parts[at])
            rules.append(
                {
                    "inner": int(names[at]),
                    "times": one.rounds,
                    "limit": int(draw[begin + more - 1]) if more else None,
                    "share": float(one.share),
                    "kept": one.rounds * (end - begin) + more,
                    "of": end - begin,
                    "amount": one.rounds * int(there[at]) + int(amount[begin : begin + more].sum()),
                    "more": more,
                }
            )
        return rules

    # --- rows ---

    def _draws(self, batch: Batch) -> Hashes:
        return np.array([_draw(self.seed, one) for one in batch.ids], dtype=np.uint64)

    def _amounts(self, batch: Batch) -> Ints:
        if self.unit == "records":
            return np.ones(len(batch), dtype=np.int64)
        if self.unit == "characters":
            return characters(batch.table)
        tokenizer = models.load_tokenizer(self.model)
        texts = [text or "" for text in batch.texts()]
        encoded = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        return np.array([len(one.ids) for one in encoded], dtype=np.int64)

    def judge(self, verdicts: Verdicts, seen: VisibleState) -> None:
        """Drop what is over, and put copies behind what is short."""
        verdicts.set("copy_of", pa.nulls(len(verdicts), pa.string()))
        rules = {(one["value"], one["inner"]): one for one in seen.tables["rules"].to_pylist()}
        inner = _values(verdicts, self.even) if self.even else [""] * len(verdicts)
        keys = zip(_values(verdicts, self.by), inner, strict=True)
        draws = self._draws(verdicts).tolist()
        mixed = _is_mixed(verdicts)
        repeated: dict[int, int] = {}
        for row, (key, draw) in enumerate(zip(keys, draws, strict=True)):
            if not mixed[row]:
                verdicts.inapplicable(row)
                continue
            rule = rules[key]
            times = rule["times"] + (rule["limit"] is not None and draw <= rule["limit"])
            if times > 1:
                repeated[row] = times
            elif not times and not rule["share"]:
                verdicts.drop(row, "no_share", by=self.by, value=key[0])
            elif not times:
                evidence = {"share": round(rule["share"], 6), "kept": rule["kept"]}
                within = {self.even: key[1]} if self.even else {}
                verdicts.drop(
                    row, "over_share", by=self.by, value=key[0], **within, **evidence, of=rule["of"]
                )
        records = verdicts.table.take(pa.array([*repeated], pa.int64())).to_pylist()
        for (row, times), record in zip(repeated.items(), records, strict=True):
            verdicts.replace(row, [_copy(record, one) for one in range(times)])


def _copy(record: Mapping[str, Any], which: int) -> dict[str, Any]:
    """The record itself (0), or a copy of it with an id of its own."""
    if not which:
        return {**record, "copy_of": None}
    data = f"{record['id']}\0copy\0{which}".encode()
    own = hashlib.blake2b(data, digest_size=16).hexdigest()
    return {**record, "id": own, "copy_of": record["id"]}


def _draw(seed: int, name: str) -> int:
    data = hashlib.blake2b(f"{seed}\0mix\0{name}".encode(), digest_size=8).digest()
    return int.from_bytes(data, "little")


def _is_mixed(batch: Batch) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether each record is mixed: all but those of the val side."""
    if "split" not in batch.table.column_names:
        return np.ones(len(batch), dtype=bool)
    val = pc.fill_null(pc.equal(batch.table["split"], "val"), False)
    found: np.ndarray[Any, np.dtype[np.bool_]] = ~val.to_numpy()
    return found


def _values(batch: Batch, name: str) -> list[str]:
    """Each record's value in a column, or of a key of its meta, as text."""
    if name in batch.table.column_names:
        found = batch.column(name)
    else:
        found = [opened(meta, [name]).get(name) for meta in batch.column("meta")]
    return [NONE if one is None else str(one) for one in found]


class _Told:
    """What people are told of a mix."""

    def __init__(self, stage: Mix) -> None:
        self._stage = stage
        self._kept: dict[str, int] = {}
        self._each: list[tuple[str, Portion, int, list[dict[str, Any]]]] = []
        self.lines: list[str] = []
        self.warnings: list[str] = []

    def portion(self, name: str, one: Portion, rules: list[dict[str, Any]]) -> None:
        """Take out of the rules what is for people alone."""
        amount = sum(rule.pop("amount") for rule in rules)
        self._each.append((name, one, amount, rules))

    def end(self, portions: Mapping[str, Portion], missing: Sequence[str]) -> None:
        """All lines and warnings."""
        stage, unit = self._stage, self._stage.unit
        whole = sum(amount for _, _, amount, _ in self._each)
        wanted = sum(one.wanted for one in portions.values())
        asked = "" if not stage.total else f" of {number(stage.total)} asked"
        self.lines.append(f"mix by {stage.by}: {number(whole)} {unit}{asked}")
        if not stage.total:
            least = min(
                (name for name, one in portions.items() if one.share),
                key=lambda name: (Fraction(portions[name].there) / portions[name].share, name),
            )
            times = "once" if stage.repeat == 1 else f"{stage.repeat} times"
            self.lines.append(f"  as much as {least} reaches for, if a record may stand {times}")
        shown = sorted(self._each, key=lambda each: (-each[2], each[0]))
        for name, one, amount, rules in shown[:TOLD]:
            self.lines.append(f"  {name}: {self._line(one, amount, whole, rules)}")
        if len(shown) > TOLD:
            self.lines.append(f"  and {number(len(shown) - TOLD)} more")
        self._short(whole, wanted)
        for name in missing:
            self.warnings.append(
                f"mix.share names {name!r}, and no record has that {stage.by}: the others share "
                "what it would have"
            )
        empty = [name for name, one in portions.items() if not one.there]
        if empty:
            self.warnings.append(f"mix: no {unit} in {', '.join(empty[:TOLD])}: it has no share")

    def _line(
        self, one: Portion, amount: int, whole: int, rules: Sequence[Mapping[str, Any]]
    ) -> str:
        kept = sum(rule["kept"] for rule in rules)
        there = sum(rule["of"] for rule in rules)
        more = sum(rule["more"] for rule in rules)
        text = f"{percent(amount, whole)} of {100 * float(one.share):.3g} % asked, "
        unit = self._stage.unit
        if unit != "records":
            text += f"{number(amount)} {unit}, "
        if kept <= there and not one.rounds:
            left = there - kept
            return text + f"{number(kept)} of {number(there)} records, {number(left)} left out"
        if one.rounds == 1 and not more:
            return text + f"all {number(there)} records"
        times = "once" if one.rounds == 1 else f"{number(one.rounds)} times"
        text += f"{number(kept)} of {number(there)} records: all {times}"
        return text + (f", {number(more)} once more" if more else "")

    def _short(self, whole: int, wanted: int) -> None:
        stage = self._stage
        short = [each for each in self._each if each[1].short > 0]
        for name, one, amount, _ in sorted(short, key=lambda each: (-each[1].short, each[0]))[
            :TOLD
        ]:
            times = "once" if stage.repeat == 1 else f"at most {stage.repeat} times"
            enough = -(-one.wanted // one.there)
            self.warnings.append(
                f"{name} is short: {number(amount)} of {number(one.wanted)} {stage.unit} wanted, "
                f"as a record stands {times}; it has {percent(amount, whole)} in place of "
                f"{percent(one.wanted, wanted)} (repeat: {enough} would reach, or total: 0)"
            )
        if len(short) > TOLD:
            self.warnings.append(f"{number(len(short) - TOLD)} more are short")
