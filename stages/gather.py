"""The items of a part as batches of records: ids, ordinals of equal siblings, rejects, counts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from stages import records
from stages.counts import Counts, TextCount, bounded, characters
from stages.place import Place
from stages.verdicts import Judged

if TYPE_CHECKING:
    from stages.base import Source


_LARGE = 1 << 16  # bytes that are not copied


class Item(NamedTuple):
    """One item that a source read: its place, its raw bytes (for identity), what it became.

    A record that is made of a stretch of the item may bring a `place` of its own. form: how its
    fields were understood, in words: `prompt ← question; meta ← id`. text: the characters of the
    item; None: its records hold them all.
    """

    place: Place
    raw: bytes
    records: Sequence[Mapping[str, Any]]
    form: str = ""
    text: TextCount | None = None


class Fault(NamedTuple):
    """One item that a source refused: failed (could not be read) or dropped (by rule).

    `errno` in the evidence: the operating system said so, and may say otherwise next time.
    characters: of its text, where they are known; else those of `text`, or the raw bytes.
    """

    place: Place
    reason: str
    evidence: Mapping[str, Any]
    text: str = ""
    failed: bool = True
    raw: bytes = b""
    characters: int | None = None


class Gathered:
    """Collects the items of a part into batches, giving ids; equal siblings get ordinals.

    held: items and bytes that a batch has already, gathered elsewhere, which this one fills up.
    """

    ROWS, BYTES = 1024, 16 << 20

    def __init__(
        self, stage: Source, name: str, seen: Mapping[str, int], held: Sequence[int] = (0, 0)
    ) -> None:
        self.stage, self.name = stage, name
        self._held = held
        self._ordinals: dict[bytes, int] = {bytes.fromhex(k): n for k, n in seen.items()}
        self._reset()

    def _reset(self) -> None:
        self._records: list[dict[str, Any]] = []
        self._rejects: list[dict[str, Any]] = []
        self._counts = Counts()
        self._bytes = 0
        self._passing = False

    @property
    def full(self) -> bool:
        rows, size = self._held
        return self._counts.seen + rows >= self.ROWS or self._bytes + size >= self.BYTES

    def add(self, item: Item | Fault) -> None:
        unit, raw = item.place.unit, item.raw or str(item.place).encode()
        ordinal = self.count(unit, raw)
        self._bytes += len(raw)
        self._counts.seen += 1
        common = {"source": self.name, "place": str(item.place)}
        if isinstance(item, Item) and item.records:
            self._counts.kept += 1
            made = range(len(item.records))
            identities = records.record_ids(self.name, unit, raw, ordinal, made)
            for identity, record in zip(identities, item.records, strict=True):
                self._records.append({**common, **record, "id": identity})
            if item.form:
                forms = self._counts.forms
                forms[item.form] = forms.get(item.form, 0) + 1
            if item.text is not None:
                if unknown := item.text.removed.keys() - self.stage.cuts.keys():
                    raise AssertionError(f"{self.stage.name} has no cut {sorted(unknown)[0]!r}")
                self._counts.text.add(item.text)
            return
        if isinstance(item, Item):
            raise AssertionError(f"{self.stage.name}: an item without records must be a fault")
        if item.reason not in self.stage.reasons:
            raise AssertionError(f"{self.stage.name} has no reason {item.reason!r}")
        self._counts.failed += item.failed
        self._counts.dropped += not item.failed
        self._counts.reasons[item.reason] = self._counts.reasons.get(item.reason, 0) + 1
        self._counts.text.add(_refused(item))
        self._passing = self._passing or "errno" in item.evidence
        self._rejects.append(
            {
                **common,
                "id": records.record_id(self.name, unit, raw, ordinal),
                "stage": self.stage.name,
                "reason": item.reason,
                "failed": item.failed,
                "evidence": records.to_json(dict(item.evidence)),
                "text": item.text[: records.REJECT_TEXT],
            }
        )

    def count(self, unit: str, raw: bytes) -> int:
        """The ordinal of one more item among its equal siblings."""
        sibling = sibling_digest(unit, raw)
        ordinal = self._ordinals.get(sibling, 0)
        self._ordinals[sibling] = ordinal + 1
        return ordinal

    def pass_over(self, item: Item | Fault) -> None:
        """An item that was taken before; it counts among the siblings of later ones."""
        self.count(item.place.unit, item.raw or str(item.place).encode())

    def take(self) -> Judged:
        made = records.to_table(self._records, self.stage.schema(records.SCHEMA))
        self._counts.made = len(self._records)
        # What items without an account of their own hold was all seen and all kept.
        rest = int(characters(made).sum()) - self._counts.text.made
        if rest < 0:
            raise AssertionError(f"{self.stage.name}: the records hold {-rest} characters less")
        self._counts.text.seen += rest
        self._counts.text.kept += rest
        self._counts.forms = bounded(self._counts.forms)
        self._counts.check(self.stage.name)
        split = Judged(
            made,
            records.to_table(self._rejects, records.REJECTS),
            self._counts,
            self._passing,
            self._bytes,
        )
        self._held = (0, 0)
        self._reset()
        return split


def _refused(fault: Fault) -> TextCount:
    whole = fault.characters
    if whole is None:
        whole = len(fault.text) or len(fault.raw)
    return TextCount(seen=whole, removed={fault.reason: whole} if whole else {})


def sibling_digest(unit: str, raw: bytes) -> bytes:
    """What equal siblings share: 8 bytes of a hash over unit and raw bytes."""
    begin = unit.encode("utf-8", "surrogateescape") + b"\0"
    if len(raw) < _LARGE:
        return hashlib.blake2b(begin + raw, digest_size=8).digest()
    digest = hashlib.blake2b(begin, digest_size=8)
    digest.update(raw)
    return digest.digest()
