"""Records to token ids and the ranges that are trained on, as flat Arrow lists.

Does not pack and does not pad: the trainer packs from `length`. What a chat template renders is
encoded with the same ids as transformers' `apply_chat_template`.
"""

from __future__ import annotations

import contextlib
import datetime
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa

from stages.base import Map
from stages.counts import characters
from stages.errors import UsageError
from stages.kinds import Kind
from stages.records import FORMS, fields, form_of
from stages.stamps import stamps_of
from stages.tokens import model as models
from stages.tokens.careful import joined
from stages.tokens.chat import DATE, load_chat, problem_in, special_variables
from stages.tokens.encode import Encoder
from stages.tokens.encoders import told
from stages.tokens.foreign import TokenizerFailed, caught, garbled
from stages.tokens.given import BESIDE
from stages.tokens.identity import identity_of
from stages.tokens.kind import TOKENS
from stages.tokens.parts import part_of, ranges, turns
from stages.tokens.renderer import Prepared, renderer_of
from stages.tokens.rows import Row, Tokens, Unheard, encoded_rows
from stages.tokens.segments import control_pattern
from stages.verdicts import Verdicts
from stages.where import Where


@lru_cache(maxsize=4)
def _prepared(model: str, default_system: bool, date: str, folder: str, stamps: object) -> Prepared:
    try:
        tokenizer = models.load_tokenizer(model)
        eos = special_variables(Path(folder)).get("eos_token")
        number = None if eos is None else tokenizer.token_to_id(eos)
        more = {} if eos is None or number is None else {eos: number}
        record = models.encoder_record(Path(folder))
        encoder = caught(lambda: Encoder(tokenizer, model, more, record))
    except TokenizerFailed as error:
        raise garbled(Path(folder) / "tokenizer.json", error) from None
    chat = load_chat(model, encoder.special, default_system, date)
    return Prepared(encoder, chat, control_pattern(encoder.special), next(iter(more), None))


@dataclass(frozen=True)
class Tokenize(Map):
    """Turn records into token ids, with the answers marked that are trained on.

    Makes `input_ids`; `loss_mask`, true for the tokens that enter the loss; `length` in tokens;
    `lossy`, whether the tokens do not decode to the same text (some vocabularies lack bytes). A
    `text` record is trained on whole. `prompt` and `completion` are a conversation of one turn;
    of a conversation every answer of the assistant and the token that ends it are trained on, but
    for turns that the data marks (`weight: 0`, `train: false`, `loss: false`). `tools` and
    `chat_template_kwargs` of a record go to the template. A control token that stands in a record
    stays plain text.

    model: smollm2 (embedded), a folder, or a Hugging Face id (owner/name or owner/name@revision);
        its tokenizer and chat template are used, its weights are not.
    add_tokens: new tokens, as `<|scene|>`, with the ids behind the vocabulary. Each is one token
        wherever it stands, in a record's text too; training gives the model rows for them, trains
        these, and saves them and the tokenizer with what it makes.
    chat: template renders with the model's chat template; plain joins the messages as they are,
        each answer followed by the end token, for models that have none.
    train_on: output marks the answers only, last the last of them, all marks every token of a
        conversation.
    train_on_source: whether the texts of all other messages are trained on too (qlora's name).
    system: text of a system message put before conversations that have none; none adds none.
    default_system: whether the system message that some templates add on their own (SmolLM2:
        "You are a helpful AI assistant named SmolLM…") stays where a conversation has none. Off,
        since it is in nobody's data; a trained model is then to be asked with the template that
        the trainer saves with it, not with the base model's.
    date: what day it is to a template that asks (Llama 3.1, gpt-oss, Granite …), as YYYY-MM-DD.
    max_length: tokens a record may have; none sets no limit. 2048 holds nearly all instruction
        records and a batch of them fits in 8 GB with the embedded model.
    long: what becomes of longer records: split makes several rows of one, a text cut at headings,
        paragraphs, sentences, a conversation between turns, with its system message repeated; drop
        leaves them out, truncate keeps their first max_length tokens.
    overlap: tokens of a text's part that the next part begins with, about.
    strict: whether a record whose tokens do not decode to the same text is dropped.
    end_text: whether the end token is put after a `text` record, so that the model learns to end.
    end_turn: whether it is put after the last answer of a conversation where the template ends an
        answer with no control token, for the same reason.
    """

    name: ClassVar[str] = "tokenize"
    kind: ClassVar[Kind] = TOKENS
    libraries: ClassVar[tuple[str, ...]] = Where(  # type: ignore[assignment]
        ("tokenizers",), "chat", "template", ("tokenizers", "jinja2")
    )
    cuts: ClassVar[Mapping[str, str]] = {
        "cut": "behind max_length (long: truncate)",
        "long": "a turn of a conversation longer than max_length, or a blank part of a text",
        "unrendered": "the chat template leaves it out",
        "tools": "the chat template shows calls, and not the tools of which they are",
        "thinking": "reasoning that the chat template leaves out of the turn",
        "rejected": "the answer of a preference pair that was not preferred",
    }
    reasons: ClassVar[Mapping[str, str]] = {
        "empty": "no text, or a prompt without a completion: nothing to learn",
        "untrained": "no answer of the assistant that is to be learned, so no token would enter "
        "the loss",
        "role": "a message is neither the system's, the user's, the assistant's nor a tool's",
        "too_long": "more tokens than max_length",
        "template": "the model's chat template refuses the messages, or leaves out or changes what "
        "they say",
        "tokenizer": "the model's tokenizer fails at the text",
        "not_reversible": "the tokens do not decode to the same text (strict)",
    }
    # What other trainers call it.
    other_names: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("cutoff_len", "max_seq_length", "max_seq_len", "sequence_len", "model_max_length"),
        "max_length",
    )
    stays: ClassVar[Mapping[str, str]] = {
        "too_long": "max_length >=",
        "not_reversible": "strict: no",
    }

    model: str = field(default=models.EMBEDDED, metadata={"shared": True})
    add_tokens: tuple[str, ...] = ()
    chat: Literal["template", "plain"] = "template"
    train_on: Literal["output", "last", "all"] = "output"
    train_on_source: bool = False
    system: str | None = None
    default_system: bool = False
    date: str = DATE
    max_length: int | None = field(default=2048, metadata={"range": (1, 1 << 24)})
    long: Literal["split", "drop", "truncate"] = "split"
    overlap: int = field(default=0, metadata={"range": (0, 1 << 20)})
    strict: bool = False
    end_text: bool = True
    end_turn: bool = True

    def needs(self) -> tuple[tuple[str, ...], ...]:
        """At least one of the forms."""
        return (FORMS,)

    def makes(self) -> Mapping[str, pa.DataType]:
        """input_ids, loss_mask, length, lossy; with truncation also `cut`, the tokens cut off.

        Ids have the smallest unsigned type that holds the vocabulary; the mask is bits."""
        cut = {"cut": pa.int32()} if self.long == "truncate" else {}
        return {
            "input_ids": pa.list_(models.id_type(self.model, self.add_tokens)),
            "loss_mask": pa.list_(pa.bool_()),
            "length": pa.int32(),
            "lossy": pa.bool_(),
            **cut,
        }

    def drops(self) -> tuple[str, ...]:
        """The text; `id` and `place` lead back to it."""
        return (*FORMS, "meta")

    def tell(self, row: Mapping[str, Any]) -> list[str]:
        """The tokens as text again, what is trained on between ⟦ and ⟧."""
        tokenizer = models.load_tokenizer(self._model())
        told, runs = (
            "",
            itertools.groupby(
                zip(row["input_ids"], row["loss_mask"], strict=True), key=lambda pair: pair[1]
            ),
        )
        for trained, pairs in runs:
            text = tokenizer.decode([token for token, _ in pairs], skip_special_tokens=False)
            told += f"⟦{text}⟧" if trained else text
        return [f"| {line}" for line in told.splitlines()]

    def facts(self) -> Mapping[str, Any]:
        """What tokenizer and chat template are known by, and what gave the ids: the tokenizer's
        own library, or an encoder of others that was proved to give the same."""
        used = told(next(iter(self._record()), None))
        added = {"added_tokens": list(self.add_tokens)} if self.add_tokens else {}
        return {**identity_of(self.model), "encoder": used, **added}

    def resources(self) -> tuple[Path, ...]:
        """The tokenizer's files, and which encoder was proved to give its ids."""
        return (*models.resources(self.model), *self._record())

    def _model(self) -> str:
        """The model, or the folder of its tokenizer with the new tokens."""
        return models.with_tokens(self.model, self.add_tokens)

    def _record(self) -> tuple[Path, ...]:
        record = models.encoder_record(models.tokenizer_folder(self._model()))
        return () if record is None else (record,)

    def contradictions(self) -> tuple[str, ...]:
        """A model that is not there, truncation without a length, a system message twice."""
        found = []
        if problem := models.problem_with(self.model) or self._garbled():
            found.append(problem)
        if any(not one.strip() or one != one.strip() for one in self.add_tokens):
            found.append("add_tokens: a token must be a text without blanks around it")
        if len(set(self.add_tokens)) < len(self.add_tokens):
            found.append("add_tokens names a token twice")
        if self.long == "truncate" and self.max_length is None:
            found.append("long: truncate needs max_length")
        if self.system is not None and self.default_system:
            found.append("system and default_system both put a system message first")
        try:
            datetime.date.fromisoformat(self.date)
        except ValueError:
            found.append(f"date must be a day as YYYY-MM-DD, not {self.date!r}")
        return tuple(found)

    def _garbled(self) -> str | None:
        """What is wrong with the files of a model in a folder."""
        folder = models.local_folder(self.model)
        if folder is None:
            return None
        try:
            models.tokenizer_folder(self.model)  # made of older files where there is none
        except UsageError as error:
            return str(error)
        return problem_in(folder, self.chat == "template")

    def judge(self, verdicts: Verdicts) -> None:
        """Render, encode the batch, then judge lengths and losses."""
        folder = models.tokenizer_folder(self._model())
        stamps = stamps_of([*models.files_in(folder), *self._record()])
        prepared = _prepared(self._model(), self.default_system, self.date, str(folder), stamps)
        renderer = renderer_of(self, prepared)
        texts: list[Row] = []
        talks: list[Row] = []
        present = [n for n in (*FORMS, "meta", *BESIDE) if n in verdicts.table.column_names]
        records = verdicts.table.select(present).to_pylist()
        with prepared.chat.limited() if prepared.chat else contextlib.nullcontext():
            for number, record in enumerate(records):
                row = renderer.row(verdicts, number, record)
                if row is not None:
                    (texts if row.rendering is None else talks).append(row)
        tokens = Tokens(len(verdicts))
        for rows, put in ((texts, self._surround), (talks, self._begin)):
            for some, encoded in encoded_rows(prepared.encoder, rows, verdicts):
                for place, row in enumerate(some):
                    ids = encoded.ids[encoded.bounds[place] : encoded.bounds[place + 1]]
                    tokens.put(row.number, ids, encoded.spans[place], bool(encoded.lossy[place]))
                    put(tokens, row.number, prepared)
        self._limits(verdicts, tokens)
        rows = [*texts, *talks]
        if tokens.long:
            rows = self._split(verdicts, records, rows, tokens, prepared)
        self._count(verdicts, rows, tokens, prepared)
        tokens.into(verdicts, self.long == "truncate")

    def _surround(self, tokens: Tokens, number: int, prepared: Prepared) -> None:
        """All of a text is trained on, with what is put around it."""
        whole = self._surrounded(tokens.ids[number], prepared)
        tokens.ids[number], tokens.trained[number] = whole, [(0, len(whole))]

    def _surrounded(self, ids: np.ndarray, prepared: Prepared, ends: bool = True) -> np.ndarray:
        """Tokens with what the tokenizer puts around a text, and, where it ends, the end token."""
        before, after = list(prepared.encoder.before), list(prepared.encoder.after)
        if self.end_text and ends and prepared.eos is not None:
            eos = prepared.encoder.special[prepared.eos]
            after = after if after and after[-1] == eos else [*after, eos]
        return np.concatenate((before, ids, after)).astype(np.int32)

    def _begin(self, tokens: Tokens, number: int, prepared: Prepared) -> None:
        """What the tokenizer puts before every text, where no template has put it there."""
        before = prepared.encoder.before if self.chat == "plain" else []
        if before and tokens.ids[number][: len(before)].tolist() != before:
            ids = np.concatenate((before, tokens.ids[number])).astype(np.int32)
            spans = [(a + len(before), b + len(before)) for a, b in tokens.trained[number]]
            if self.train_on == "all":
                spans = joined([(0, len(before)), *spans])
            tokens.ids[number], tokens.trained[number] = ids, spans

    def _limits(self, verdicts: Verdicts, tokens: Tokens) -> None:
        for number, ids in tokens.ids.items():
            if tokens.lossy[number]:
                if self.strict:
                    verdicts.drop(number, "not_reversible", **tokens.length_of(number))
                else:
                    verdicts.changed(number)
            if self.max_length is None or len(ids) <= self.max_length:
                continue
            spans = [(a, min(b, self.max_length)) for a, b in tokens.trained[number]]
            kept = [span for span in spans if span[0] < span[1]]
            if self.long == "split":
                tokens.long.append(number)
                continue
            if self.long == "drop" or not kept:
                verdicts.drop(number, "too_long", score=len(ids), limit=self.max_length)
                continue
            tokens.cut[number] = len(ids) - self.max_length
            tokens.tails[number] = ids[self.max_length :]
            tokens.ids[number], tokens.trained[number] = ids[: self.max_length], kept

    # --- several rows of one record ---------------------------------------------------------------

    def _split(
        self,
        verdicts: Verdicts,
        records: Sequence[Mapping[str, Any]],
        rows: Sequence[Row],
        tokens: Tokens,
        prepared: Prepared,
    ) -> list[Row]:
        """Put several rows in the place of each that is too long; returns the other rows.

        The parts are records of their own, and become tokens as such.
        """
        found: dict[int, list[dict[str, Any]]] = {}
        lost: dict[int, int] = {}
        talks: dict[str, tuple[int, int, dict[str, Any]]] = {}  # id → record, number, part
        bases = verdicts.table.take(pa.array(tokens.long)).to_pylist()
        texts = [
            (base, tokens.ids[number], bool(tokens.lossy[number]))
            for number, base in zip(tokens.long, bases, strict=True)
            if form_of(base) == "text"
        ]
        made = iter(self._texts(texts, prepared))
        for number, base in zip(tokens.long, bases, strict=True):
            if form_of(base) == "text":
                found[number], lost[number] = next(made)
                continue
            found[number] = []
            parts, lost[number] = self._talks(records[number], prepared)
            for at, part in enumerate(parts, 1):
                one = part_of({**base, **part}, at)
                talks[one["id"]] = number, at, one
        cuts: dict[str, int] = {}  # of the parts, whichever record they are of
        if talks:
            some = [one for _, _, one in talks.values()]
            table = pa.Table.from_pylist(some, schema=verdicts.table.schema)
            judged = replace(self, long="drop").split(table)
            for row in judged.kept.to_pylist():
                found[talks[row["id"]][0]].append(row)
            for reject in judged.rejects.to_pylist():
                number, _, one = talks[reject["id"]]
                lost[number] += sum(len(text) for _, text in fields(one, "all"))
            for cut, many in judged.counts.text.removed.items():
                if cut in self.cuts:  # what left with a part is among the lost
                    cuts[cut] = cuts.get(cut, 0) + many
        for number, rows_made in found.items():
            if not rows_made:
                length = len(tokens.ids[number])
                verdicts.drop(number, "too_long", score=length, limit=self.max_length)
                continue
            verdicts.replace(number, rows_made)
            while cuts:
                verdicts.cut(number, *cuts.popitem())
            if lost[number]:
                verdicts.cut(number, "long", lost[number])
        return [row for row in rows if row.number not in found]

    def _texts(
        self, texts: Sequence[tuple[Mapping[str, Any], np.ndarray, bool]], prepared: Prepared
    ) -> Iterator[tuple[list[dict[str, Any]], int]]:
        """The rows of texts that are too long (each with its tokens, and whether these are lossy),
        and the characters of their blank parts."""
        assert self.max_length is not None
        encoder = prepared.encoder
        room = max(1, self.max_length - len(encoder.before) - len(encoder.after) - self.end_text)
        kind = self.makes()["input_ids"].value_type.to_pandas_dtype()
        gone = {*self.drops()}
        begin = len(encoder.before)
        behind = len(self._surrounded(np.zeros(0, dtype=np.int32), prepared)) - begin
        ends = [
            encoder.ends(base["text"], None if lossy else ids[begin : len(ids) - behind])
            for base, ids, lossy in texts
        ]
        bases = [base for base, _, _ in texts]
        cut = [self._cut(base["text"], one, room) for base, one in zip(bases, ends, strict=True)]
        encoded = encoder.texts([part for parts in cut for part in parts])
        tokens, lossy = encoded.tokens(), iter(encoded.lossy.tolist())
        for base, one, parts in zip(bases, ends, cut, strict=True):
            found = [(next(tokens), next(lossy)) for _ in parts]
            tried = room
            while max(len(ids) for ids, _ in found) > room and tried > 1:
                # A text that is cut may have more tokens than one that is whole.
                tried = max(1, tried * 9 // 10)
                parts = self._cut(base["text"], one, tried)
                again = encoder.texts(parts)
                found = list(zip(again.tokens(), again.lossy.tolist(), strict=True))
            kept = {name: value for name, value in base.items() if name not in gone}
            rows, lost = [], 0
            for at, (part, (ids, other)) in enumerate(zip(parts, found, strict=True), 1):
                whole = self._surrounded(ids, prepared, at == len(parts))
                if part.isspace() or len(whole) > self.max_length or (other and self.strict):
                    lost += len(part)
                    continue
                row = {
                    "input_ids": whole.astype(kind),
                    "loss_mask": np.ones(len(whole), dtype=bool),
                    "length": len(whole),
                    "lossy": other,
                }
                rows.append(part_of({**kept, **row}, at))
            yield rows, lost

    def _cut(self, text: str, ends: Sequence[int], room: int) -> list[str]:
        return [text[a:b] for a, b in ranges(text, ends, room, min(self.overlap, room // 2))]

    def _talks(
        self, record: Mapping[str, Any], prepared: Prepared
    ) -> tuple[list[dict[str, Any]], int]:
        """Conversations of whole turns of one that is too long; the characters that fit in none."""
        assert self.max_length is not None
        messages = record.get("messages") or []
        encoder, renderer = prepared.encoder, renderer_of(self, prepared)

        def size(some: list[Any]) -> int:
            row = renderer.row(Unheard(), 0, {**record, "messages": some})
            if row is None or row.rendering is None:
                return 1 << 40
            return len(encoder.renderings([row.rendering]).ids) + len(encoder.before)

        def around(some: list[Any]) -> int:
            contents = [message["content"] or "" for message in some]
            return len(encoder.texts(contents).ids) if contents else 0

        made, out = turns(messages, self.max_length, size, around)
        left = sum(len(text) for _, text in fields({"messages": out}, "all"))
        return [{"messages": one} for one in made], left

    def _count(
        self, verdicts: Verdicts, rows: Sequence[Row], tokens: Tokens, prepared: Prepared
    ) -> None:
        """Count the characters that the tokens do not hold."""
        held = characters(verdicts.table).tolist()
        for row in rows:
            if verdicts.is_marked(row.number):
                continue
            if row.tools:
                verdicts.cut_beside(row.number, "tools", row.tools)
            if rejected := sum(len(text) for _, text in verdicts.rejected(row.number)):
                verdicts.cut_beside(row.number, "rejected", rejected)
            left = held[row.number]
            if row.rendering is not None and row.rendered < left:
                thinking = min(row.thinking, left - row.rendered)
                verdicts.cut(row.number, "thinking", thinking)
                verdicts.cut(row.number, "unrendered", left - row.rendered - thinking)
                left = row.rendered
            if tokens.cut[row.number]:
                tail = prepared.encoder.text(tokens.tails[row.number])
                border = len(row.text) - len(tail)
                spans = row.contents()
                cut = sum(end - max(begin, border) for begin, end in spans if end > border)
                verdicts.cut(row.number, "cut", min(cut, left))
