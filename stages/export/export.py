"""A corpus as the files that other trainers read, with a data card.

Nothing is shuffled; a line comes before its turn only where readers take the types of all from the
first ones (`lines`). Records that a format cannot hold are listed in left_out.jsonl.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from stages import card
from stages.base import End, Needs, Progress
from stages.corpus import Corpus, canonical
from stages.errors import StageFailed, UsageError
from stages.export import filled, formats, parquet, readers
from stages.export.formats import BESIDE, Format, LeftOut, Shape
from stages.export.lines import TypedLines, open_to
from stages.json_lines import Lines, readable
from stages.kinds import RECORDS, Kind
from stages.records import FORMS, form_of
from stages.tokens.given import BESIDE as GIVEN
from stages.tokens.kind import TOKENS

SIDES = ("train", "val")
LEFT_OUT = "left_out.jsonl"
OF_TOKENS = ("pretokenized", "filled")  # formats that are made of tokens
EXPORT = Kind("export", "files", "stages.export.panels")
IGNORED = -100  # the label of a token that the loss does not count, as PyTorch has it

Record = Mapping[str, Any]


class _Consumed:
    """What an export works on: tokens where its format holds them, else records."""

    def __get__(self, stage: Export | None, owner: type) -> Kind:
        return TOKENS if stage is not None and stage.format in OF_TOKENS else RECORDS


@dataclass(frozen=True)
class Export(End):
    """Write train and val files in a format that other trainers read, and a data card.

    Records with `split` val go to val, all others to train. Beside each file of JSON lines is the
    same as Parquet, with its types; beside both are LLaMA-Factory's dataset_info.json and an
    axolotl configuration where these read the format (calls of tools LLaMA-Factory reads by
    sharegpt alone without a change), and the card (README.md with the front
    matter of hubs) has the lines for TRL. Tools, documents and chat_template_kwargs of a record
    are keys of its line. What a format cannot hold is listed in left_out.jsonl with its id, the
    reason and the part, and counted.

    format: seedbed keeps prompt, completion, text and messages as they are; messages is OpenAI's
        and TRL's, with tools; alpaca is instruction, input, output, system, history; sharegpt is
        conversations of from and value, with calls, results and tools as text, as LLaMA-Factory has
        them; prompt_completion is the last answer and what stands before it, as text where no
        record is a conversation; dpo is the same with the answer as `chosen`, beside `rejected`, a
        column or a key of meta; text is one text; pygmalion is prompt and generation as text, also
        as an Arrow file, where any record is a conversation in the form of Metharme, <|system|>,
        <|user|> and <|model|> before what each says; arrow is a folder for datasets.load_from_disk
        with the columns of seedbed, and tools and the like as JSON text where any record has some;
        pretokenized is input_ids, attention_mask and labels of a tokens corpus, as axolotl and TRL
        take them; filled is lines of text filled to a number of tokens, of a tokens corpus, for
        trainers that know nothing but text.
    columns: columns written beside the text, where the corpus has them; id leads back to the
        source. pretokenized has none, filled the ids of all records of a line.
    join: what stands between prompt and completion, or between messages, in the format text.
    fill: tokens of a line in the format filled. none: as many as tokenize gave a record.
    """

    name: ClassVar[str] = "export"
    kind: ClassVar[Kind] = EXPORT
    consumes: ClassVar[Kind] = _Consumed()  # type: ignore[assignment]
    reasons: ClassVar[Mapping[str, str]] = {
        "form": "the format cannot hold a record of this form",
        "beside": "the format cannot hold what the record has beside its messages",
        "half": "half a character (a lone surrogate) in tools or the like, which readers of JSON "
        "refuse with the whole file",
        "pair": "there is no answer that was rejected beside the record's own",
    }

    format: Format = "seedbed"
    columns: tuple[str, ...] = ("id",)
    join: str = "\n\n"
    fill: int | None = field(default=None, metadata={"range": (1, 1 << 24)})

    def needs(self) -> Needs:
        """At least one of the forms; tokens with their mask for pretokenized."""
        return (("input_ids",), ("loss_mask",)) if self.consumes == TOKENS else (FORMS,)

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
        shape, left_out = Shape(), dict[str, int]()
        if self.format == "arrow":
            rows = _write_arrow(corpus, out, kept, progress)
        elif self.format == "pretokenized":
            rows = _write_tokens(corpus, out, progress)
        else:
            shape = _shape_of(corpus)
            rows, left_out = self._write_lines(corpus, out, kept, shape, progress)
        if sum(rows.values()) + sum(left_out.values()) != len(corpus):
            raise StageFailed(
                f"export: {len(corpus)} records came, {sum(rows.values())} were written and "
                f"{sum(left_out.values())} left out"
            )
        summary = {"format": self.format, "rows": rows, "seen": len(corpus), "reasons": left_out}
        sides = [side for side, number in rows.items() if number]
        if entries := readers.llama_factory(self.format, shape, sides):
            _write_json(out / "dataset_info.json", entries)
        if config := readers.axolotl(self.format, shape, sides):
            (out / "axolotl.yaml").write_text(config, encoding="utf-8")
        snippet = readers.trl(self.format, sides)
        text = _card(corpus, summary, snippet)
        (out / "README.md").write_text(text, encoding="utf-8")
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
        text = _card(corpus, summary, readers.trl("text", [side for side in rows if rows[side]]))
        (out / "README.md").write_text(text, encoding="utf-8")
        return summary

    def _write_lines(
        self, corpus: Corpus, out: Path, kept: Sequence[str], shape: Shape, progress: Progress
    ) -> tuple[dict[str, int], dict[str, int]]:
        """Rows of each side, and records left out by reason."""
        sides = _sides(corpus)
        left_out: dict[str, int] = {}
        with contextlib.ExitStack() as stack:
            files = {side: stack.enter_context(TypedLines(out / f"{side}.jsonl")) for side in sides}
            refused = stack.enter_context(Lines(out / LEFT_OUT))
            for done, (side, record) in enumerate(_records(corpus), 1):
                try:
                    line = formats.line_of(record, self.format, shape, self.join)
                    files[side].write({**line, **{name: record[name] for name in kept}})
                except LeftOut as why:
                    left_out[why.reason] = left_out.get(why.reason, 0) + 1
                    told = {"reason": why.reason, "form": form_of(record), "what": why.what}
                    refused.write({"id": record["id"], **told})
                if done % 1000 == 0:
                    progress(done, len(corpus))
        if not left_out:
            (out / LEFT_OUT).unlink()
        rows = {side: _lines_in(out / f"{side}.jsonl", file.rows) for side, file in files.items()}
        shapes = set().union(*(file.shapes for file in files.values()))
        typed = pa.schema([corpus.schema.field(name) for name in kept])
        for side in sides:
            _write_parquet(out / f"{side}.jsonl", out / f"{side}.parquet", shapes, typed)
        open_to(out / f"{SIDES[0]}.jsonl", files[SIDES[0]].shapes, shapes)
        if self.format == "pygmalion":
            for side in sides:
                _write_ipc(out / f"{side}.parquet", out / f"{side}.arrow")
        return rows, left_out


# --- what a corpus has --------------------------------------------------------------------------


def _sides(corpus: Corpus) -> tuple[str, ...]:
    return SIDES if "split" in corpus.schema.names else SIDES[:1]


def _records(corpus: Corpus) -> Iterator[tuple[str, dict[str, Any]]]:
    for batch in corpus.batches():
        for record in batch.to_pylist():
            yield ("val" if record.get("split") == "val" else "train"), record


def _shape_of(corpus: Corpus) -> Shape:
    """What decides the keys of all lines."""
    names = [name for name in FORMS if name in corpus.schema.names]
    filled: set[str] = set()
    beside: set[str] = set()
    history = calls = False
    for batch in corpus.batches():
        filled |= {name for name in names if batch.column(name).null_count < batch.num_rows}
        if "messages" in names:
            lengths = pc.fill_null(pc.list_value_length(batch.column("messages")), 0)
            history = history or bool(pc.any(pc.greater(lengths, 3)).as_py())
            extra = pc.struct_field(pc.list_flatten(batch.column("messages")), "extra")
            calls = calls or bool(pc.any(pc.match_substring(extra, '"tool_calls"')).as_py())
        given = [name for name in ("meta", *GIVEN) if name in batch.column_names]
        for record in batch.select(given).to_pylist():
            beside |= formats.given_beside(record).keys()
    forms = [name for name in names if name in filled] or names[:1]
    given = [name for name in BESIDE if name in beside]
    return Shape(forms, "messages" in filled, given, history, calls)


# --- files --------------------------------------------------------------------------------------


def _lines_in(path: Path, expected: int) -> int:
    with open(path, "rb") as file:
        found = sum(1 for _ in file)
    if found != expected:
        raise StageFailed(f"export: {path.name} has {found} lines, {expected} were written")
    return found


def _write_parquet(lines: Path, path: Path, shapes: set[str], typed: pa.Schema) -> None:
    """The same rows as a file of JSON lines; none for a file without any."""
    with open(lines, encoding="utf-8", newline="\n") as file:
        first = file.readline()
        if not first:
            return
        schema = parquet.schema_of(json.loads(first), shapes, typed)
        file.seek(0)
        parquet.write(path, ((json.loads(line), len(line)) for line in file), schema)


def _write_ipc(source: Path, path: Path) -> None:
    """The rows of a Parquet file as one Arrow IPC file."""
    import pyarrow.parquet as pq

    if not source.exists():
        return
    with pq.ParquetFile(source) as file:
        schema = file.schema_arrow.remove_metadata()
        with open(path, "wb") as target, pa.ipc.new_file(target, schema) as writer:
            for batch in file.iter_batches(4096):
                writer.write_table(canonical(pa.Table.from_batches([batch]).cast(schema)))


def _write_tokens(corpus: Corpus, out: Path, progress: Progress) -> dict[str, int]:
    """Ids, a mask of ones, and labels: the ids of tokens that the loss counts."""
    ids = pa.list_(pa.int32())
    schema = pa.schema(
        [("input_ids", ids), ("attention_mask", pa.list_(pa.int8())), ("labels", ids)]
    )
    about = {"info": {"features": {f.name: parquet.feature(f.type) for f in schema}}}
    schema = schema.with_metadata({"huggingface": json.dumps(about)})
    rows = dict.fromkeys(_sides(corpus), 0)
    for side in rows:
        with (
            Lines(out / f"{side}.jsonl") as lines,
            parquet.Table(out / f"{side}.parquet", schema) as table,
        ):
            for batch in corpus.batches():
                for record in _of_side(batch, side).to_pylist():
                    tokens = record["input_ids"]
                    pairs = zip(tokens, record["loss_mask"], strict=True)
                    line = {
                        "input_ids": tokens,
                        "attention_mask": [1] * len(tokens),
                        "labels": [token if wanted else IGNORED for token, wanted in pairs],
                    }
                    lines.write(line)
                    table.write(line, 16 * len(tokens))
                    rows[side] += 1
                progress(sum(rows.values()), len(corpus))
    return {side: _lines_in(out / f"{side}.jsonl", number) for side, number in rows.items()}


def _of_side(batch: pa.Table, side: str) -> pa.Table:
    if "split" not in batch.column_names:
        return batch
    mine = [(value == "val") == (side == "val") for value in batch.column("split").to_pylist()]
    return batch.filter(pa.array(mine, type=pa.bool_()))


def _write_arrow(
    corpus: Corpus, out: Path, kept: Sequence[str], progress: Progress
) -> dict[str, int]:
    """The layout of `datasets.DatasetDict.save_to_disk`: a stream of Arrow batches a side."""
    shape = _shape_of(corpus)
    names = list(dict.fromkeys([*shape.forms, *kept]))
    schema = pa.schema([corpus.schema.field(name) for name in names])
    more = [name for name in shape.beside if name not in names]
    for name in more:
        schema = schema.append(pa.field(name, pa.string()))
    rows = dict.fromkeys(_sides(corpus), 0)
    for side in rows:
        folder = out / side
        folder.mkdir()
        data = "data-00000-of-00001.arrow"
        with open(folder / data, "wb") as file, pa.ipc.new_stream(file, schema) as writer:
            for batch in corpus.batches():
                mine = _of_side(batch, side)
                if mine.num_rows:
                    shown = mine.select(names)
                    for name in more:
                        told = pa.array(_as_text(mine, name), type=pa.string())
                        shown = shown.append_column(schema.field(name), told)
                    writer.write_table(canonical(shown))
                rows[side] += mine.num_rows
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
        features = {field.name: parquet.feature(field.type) for field in schema}
        info = {"citation": "", "description": "", "homepage": "", "license": ""}
        _write_json(folder / "state.json", state)
        _write_json(folder / "dataset_info.json", {**info, "features": features})
    _write_json(out / "dataset_dict.json", {"splits": list(rows)})
    return rows


def _as_text(batch: pa.Table, name: str) -> list[str | None]:
    """What each row has beside its messages under a name, as JSON text."""
    given = [column for column in ("meta", *GIVEN) if column in batch.column_names]
    found = [formats.given_beside(row).get(name) for row in batch.select(given).to_pylist()]
    return [readable(value) if value else None for value in found]


def _card(corpus: Corpus, summary: Mapping[str, Any], snippet: str | None) -> str:
    """What the files hold, from where, under which licences, and how they are read."""
    rows, form = summary["rows"], summary["format"]
    names = (("train", "train"), ("val", "validation"))
    files = [(name, f"{side}.parquet") for side, name in names if rows.get(side)]
    tables = [] if form == "arrow" else files
    lines = card.front_matter(corpus, sum(rows.values()), [form], tables)
    lines += ["# Data card", "", f"Format: {form}. Records: {summary['seen']:,}.", ""]
    lines += ["| file | records |", "|---|---:|"]
    suffix = "/" if form == "arrow" else ".jsonl"
    lines += [f"| {side}{suffix} | {number:,} |" for side, number in rows.items()]
    for reason, number in summary["reasons"].items():
        lines.append(f"| {LEFT_OUT} ({Export.reasons[reason]}) | {number:,} |")
    if snippet:
        lines += ["", "## Training with TRL", "", "```python", snippet, "```"]
    return "\n".join([*lines, *card.of_sources(corpus)])


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
