"""A records corpus as the files that other trainers read, with a data card.

Nothing is shuffled; records that a format cannot hold are listed in left_out.jsonl. Formats:
OpenAI and TRL `messages`, Alpaca and ShareGPT as LLaMA-Factory and Axolotl read them, plain text,
and the folder that `datasets.load_from_disk` opens.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import pyarrow as pa

from stages.base import End, Progress
from stages.corpus import Corpus, canonical
from stages.errors import StageFailed, UsageError
from stages.export import filled
from stages.json_lines import Lines, readable
from stages.kinds import RECORDS, Kind
from stages.records import FORMS, MESSAGE, form_of
from stages.tokens.given import BESIDE, beside, beside_content
from stages.tokens.kind import TOKENS

SIDES = ("train", "val")
LEFT_OUT = "left_out.jsonl"
OF_TOKENS = ("filled",)  # formats that are made of tokens
EXPORT = Kind("export", "files", "stages.export.panels")

Record = Mapping[str, Any]


class _Consumed:
    """What an export works on: tokens where its format is made of them, else records."""

    def __get__(self, stage: Export | None, owner: type) -> Kind:
        return TOKENS if stage is not None and stage.format in OF_TOKENS else RECORDS


@dataclass(frozen=True)
class Export(End):
    """Write train and val files in a format that other trainers read, and a data card.

    Records with `split` val go to val, all others to train. What a format cannot hold (a `text`
    record has no messages; alpaca and text have no place for tools and calls) is listed in
    left_out.jsonl with its id, and counted.

    format: seedbed keeps prompt, completion, text and messages as they are; messages is OpenAI's
        and TRL's; alpaca is instruction, input, output, system, history; sharegpt is
        conversations of from and value; text is one text; arrow is a folder for
        datasets.load_from_disk with the columns of seedbed, and the tools as JSON text in `tools`
        where any record has some; filled is lines of text filled to a number of tokens, of a
        tokens corpus, for trainers that know nothing but text.
    columns: columns written beside the text, where the corpus has them; id leads back to the
        source.
    join: what stands between prompt and completion, or between messages, in the format text.
    fill: tokens of a line in the format filled. none: as many as tokenize gave a record.
    """

    name: ClassVar[str] = "export"
    kind: ClassVar[Kind] = EXPORT
    consumes: ClassVar[Kind] = _Consumed()  # type: ignore[assignment]
    reasons: ClassVar[Mapping[str, str]] = {
        "form": "the format cannot hold a record of this form",
    }

    format: Literal["seedbed", "messages", "alpaca", "sharegpt", "text", "arrow", "filled"] = (
        "seedbed"
    )
    columns: tuple[str, ...] = ("id",)
    join: str = "\n\n"
    fill: int | None = field(default=None, metadata={"range": (1, 1 << 24)})

    def needs(self) -> tuple[tuple[str, ...], ...]:
        """At least one of the forms; ids for what is made of tokens."""
        return (("input_ids",),) if self.consumes == TOKENS else (FORMS,)

    def run(self, source: Path, out: Path, work: Path, progress: Progress) -> dict[str, Any]:
        """Write the files and the card; the numbers are counted again from the files."""
        corpus = Corpus(source)
        if corpus.kind != self.consumes.name:
            raise UsageError(
                f"{source} holds {corpus.kind}; export with the format {self.format} takes a "
                f"corpus of {self.consumes}"
            )
        if self.format == "filled":
            return self._fill(corpus, out, progress)
        kept = [name for name in self.columns if name in corpus.schema.names]
        if self.format == "arrow":
            rows, left_out = _write_arrow(corpus, out, kept, progress)
        else:
            rows, left_out = self._write_lines(corpus, out, kept, progress)
        if sum(rows.values()) + left_out != len(corpus):
            raise StageFailed(
                f"export: {len(corpus)} records came, {sum(rows.values())} were written and "
                f"{left_out} left out"
            )
        summary = {
            "format": self.format,
            "rows": rows,
            "seen": len(corpus),
            "reasons": {"form": left_out} if left_out else {},
        }
        (out / "README.md").write_text(_card(corpus, summary), encoding="utf-8")
        return summary

    def _fill(self, corpus: Corpus, out: Path, progress: Progress) -> dict[str, Any]:
        made = filled.write(corpus, out, _sides(corpus), self.fill, progress)
        rows = {side: _lines_in(out / f"{side}.jsonl", n) for side, n in made.lines.items()}
        summary = {
            "format": self.format,
            "rows": rows,
            "seen": len(corpus),
            "reasons": {},
            "fill": round(made.used / max(1, made.room), 6),
            "changed": made.changed,
        }
        (out / "README.md").write_text(_card(corpus, summary), encoding="utf-8")
        return summary

    def _write_lines(
        self, corpus: Corpus, out: Path, kept: Sequence[str], progress: Progress
    ) -> tuple[dict[str, int], int]:
        present = _present_forms(corpus)
        with_tools = self.format not in _WITHOUT_TOOLS and _any_tools(corpus)
        rows = dict.fromkeys(_sides(corpus), 0)
        left_out = done = 0
        with contextlib.ExitStack() as stack:
            files = {side: stack.enter_context(Lines(out / f"{side}.jsonl")) for side in rows}
            refused = stack.enter_context(Lines(out / LEFT_OUT))
            for side, record in _records(corpus):
                line = self._line(record, present)
                tools = _tools_of(record)
                if with_tools and line is not None:
                    # ShareGPT's readers take them as text; every line has the key.
                    told = _tools_text(tools) or ""
                    line["tools"] = told if self.format == "sharegpt" else tools
                if line is None or (tools and self.format in _WITHOUT_TOOLS):
                    left_out += 1
                    refused.write({"id": record["id"], "reason": "form", "form": form_of(record)})
                else:
                    files[side].write({**line, **{name: record[name] for name in kept}})
                    rows[side] += 1
                done += 1
                if done % 1000 == 0:
                    progress(done, len(corpus))
        if not left_out:
            (out / LEFT_OUT).unlink()
        return {side: _lines_in(out / f"{side}.jsonl", rows[side]) for side in rows}, left_out

    def _line(self, record: Record, present: Sequence[str]) -> dict[str, Any] | None:
        if self.format == "seedbed":
            # Every line has the same keys, so that readers find one schema.
            return {
                name: _open_messages(record[name]) if name == "messages" else record[name]
                for name in present
            }
        if self.format == "text":
            return _as_text(record, self.join)
        messages = _as_messages(record)
        if messages is None:
            return None
        if self.format == "messages":
            return {"messages": messages}
        return _as_sharegpt(messages) if self.format == "sharegpt" else _as_alpaca(messages)


# --- one record in each format ------------------------------------------------------------------


def _open_messages(messages: list[Record] | None) -> list[dict[str, Any]] | None:
    """Role and content, and the keys that `extra` holds (tool calls, names)."""
    if messages is None:
        return None
    opened = []
    for message in messages:
        one: dict[str, Any] = {"role": message["role"], "content": message["content"]}
        if message.get("extra"):
            one = {**_opened(message["extra"]), **one}
        opened.append(one)
    return opened


def _opened(extra: str) -> dict[str, Any]:
    """The keys that `extra` holds; what is no object stays under its own name."""
    with contextlib.suppress(ValueError, RecursionError):
        value = json.loads(extra)
        if isinstance(value, dict):
            return value
    return {"extra": extra}


def _as_messages(record: Record) -> list[dict[str, Any]] | None:
    if record.get("messages") is not None:
        return _open_messages(record["messages"])
    if record.get("prompt") is None or record.get("completion") is None:
        return None
    return [
        {"role": "user", "content": record["prompt"]},
        {"role": "assistant", "content": record["completion"]},
    ]


def _as_alpaca(messages: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The last turn as instruction and output, the turns before as history; None when the
    messages are not question and answer in turn, or carry more than text."""
    system = ""
    if messages and messages[0]["role"] == "system":
        system, messages = messages[0]["content"] or "", messages[1:]
    expected = ("user", "assistant") * (len(messages) // 2)
    if not messages or tuple(message["role"] for message in messages) != expected:
        return None
    if any(message["content"] is None or len(message) > 2 for message in messages):
        return None
    texts = [message["content"] for message in messages]
    history = [[texts[at], texts[at + 1]] for at in range(0, len(texts) - 2, 2)]
    return {
        "instruction": texts[-2],
        "input": "",
        "output": texts[-1],
        "system": system,
        "history": history,
    }


_WITHOUT_TOOLS = ("alpaca", "text")


def _tools_of(record: Record) -> list[Any] | None:
    """The tools that a record's calls are made of: beside its messages, not among them."""
    return beside(record).get("tools")


def _tools_text(tools: list[Any] | None) -> str | None:
    return readable(tools) if tools else None


_SHAREGPT = {"user": "human", "assistant": "gpt", "system": "system", "tool": "observation"}


def _as_sharegpt(messages: list[dict[str, Any]]) -> dict[str, Any] | None:
    known = all(
        message["role"] in _SHAREGPT and message["content"] is not None and len(message) == 2
        for message in messages
    )
    if not messages or not known:
        return None
    turns = [{"from": _SHAREGPT[m["role"]], "value": m["content"]} for m in messages]
    return {"conversations": turns}


def _as_text(record: Record, join: str) -> dict[str, Any] | None:
    """None when a message has calls, reasoning or pictures, which are no part of its content."""
    if record.get("messages") is not None:
        if any(beside_content(message.get("extra")) for message in record["messages"]):
            return None
        parts = [message["content"] for message in record["messages"]]
    else:
        parts = [record.get(name) for name in ("text", "prompt", "completion")]
    texts = [text for text in parts if text is not None]
    return {"text": join.join(texts)} if texts else None


# --- files --------------------------------------------------------------------------------------


def _lines_in(path: Path, expected: int) -> int:
    with open(path, "rb") as file:
        found = sum(1 for _ in file)
    if found != expected:
        raise StageFailed(f"export: {path.name} has {found} lines, {expected} were written")
    return found


def _sides(corpus: Corpus) -> tuple[str, ...]:
    return SIDES if "split" in corpus.schema.names else SIDES[:1]


def _records(corpus: Corpus) -> Iterator[tuple[str, dict[str, Any]]]:
    for batch in corpus.batches():
        for record in batch.to_pylist():
            yield ("val" if record.get("split") == "val" else "train"), record


def _any_tools(corpus: Corpus) -> bool:
    return any(any(_tools_in(batch)) for batch in corpus.batches())


def _tools_in(batch: pa.Table) -> list[str | None]:
    """The tools of each row, as JSON text."""
    names = [name for name in ("meta", *BESIDE) if name in batch.column_names]
    return [_tools_text(_tools_of(record)) for record in batch.select(names).to_pylist()]


def _present_forms(corpus: Corpus) -> list[str]:
    names = [name for name in FORMS if name in corpus.schema.names]
    filled = set()
    for batch in corpus.batches():
        filled |= {name for name in names if batch.column(name).null_count < batch.num_rows}
    return [name for name in names if name in filled] or names[:1]


def _write_arrow(
    corpus: Corpus, out: Path, kept: Sequence[str], progress: Progress
) -> tuple[dict[str, int], int]:
    """The layout of `datasets.DatasetDict.save_to_disk`: a stream of Arrow batches a side."""
    names = list(dict.fromkeys([*_present_forms(corpus), *kept]))
    schema = pa.schema([corpus.schema.field(name) for name in names])
    with_tools = "tools" not in names and _any_tools(corpus)
    if with_tools:
        schema = schema.append(pa.field("tools", pa.string()))
    rows = dict.fromkeys(_sides(corpus), 0)
    for side in rows:
        folder = out / side
        folder.mkdir()
        data = "data-00000-of-00001.arrow"
        with open(folder / data, "wb") as file, pa.ipc.new_stream(file, schema) as writer:
            for batch in corpus.batches():
                if "split" in batch.column_names:
                    mine = [(value == "val") == (side == "val") for value in _split_of(batch)]
                    batch = batch.filter(pa.array(mine, type=pa.bool_()))
                if batch.num_rows:
                    shown = batch.select(names)
                    if with_tools:
                        tools = pa.array(_tools_in(batch), type=pa.string())
                        shown = shown.append_column(schema.field("tools"), tools)
                    writer.write_table(canonical(shown))
                rows[side] += batch.num_rows
                progress(sum(rows.values()), len(corpus))
        state: dict[str, Any] = {
            "_data_files": [{"filename": data}],
            "_fingerprint": corpus.digest[:16],
            "_format_columns": None,
            "_format_kwargs": {},
            "_format_type": None,
            "_output_all_columns": False,
            "_split": side,
        }
        features = {field.name: _feature(field.type) for field in schema}
        info = {"citation": "", "description": "", "homepage": "", "license": ""}
        _write_json(folder / "state.json", state)
        _write_json(folder / "dataset_info.json", {**info, "features": features})
    _write_json(out / "dataset_dict.json", {"splits": list(rows)})
    return rows, 0


def _split_of(batch: pa.Table) -> list[str | None]:
    return list(batch.column("split").to_pylist())


def _feature(kind: pa.DataType) -> Any:
    """An Arrow type as `datasets` writes it."""
    if kind == MESSAGE or pa.types.is_struct(kind):
        return {field.name: _feature(field.type) for field in kind}
    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        length = kind.list_size if pa.types.is_fixed_size_list(kind) else -1
        return {"feature": _feature(kind.value_type), "length": length, "_type": "List"}
    names = {"double": "float64", "float": "float32", "halffloat": "float16"}
    return {"dtype": names.get(str(kind), str(kind)), "_type": "Value"}


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


# --- the data card ------------------------------------------------------------------------------


def _card(corpus: Corpus, summary: Mapping[str, Any]) -> str:
    """A data card: what the files hold, from where, under which licences."""
    licences = sorted({str(source.get("license") or "unknown") for source in corpus.sources})
    lines = ["# Data card", ""]
    lines += [f"Format: {summary['format']}. Records: {summary['seen']:,}.", ""]
    lines += ["| file | records |", "|---|---:|"]
    suffix = "/" if summary["format"] == "arrow" else ".jsonl"
    lines += [f"| {side}{suffix} | {number:,} |" for side, number in summary["rows"].items()]
    for reason, number in summary["reasons"].items():
        lines.append(f"| {LEFT_OUT} ({Export.reasons[reason]}) | {number:,} |")
    lines += ["", "## Sources and licences", ""]
    if corpus.sources:
        lines += ["| source | licence | read by |", "|---|---|---|"]
        for source in corpus.sources:
            cells = (source.get("name"), source.get("license") or "unknown", source.get("stage"))
            lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
        lines += ["", f"Licences that occur: {', '.join(_cell(name) for name in licences)}."]
        if "unknown" in licences:
            lines.append("For some sources no licence was given: ask before passing the data on.")
    else:
        lines.append("The corpus names no sources.")
    lines += ["", "## Origin", "", f"Digest of the corpus: `{corpus.digest}`.", ""]
    return "\n".join(lines)


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
