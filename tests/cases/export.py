"""Cases of export."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from stages import records
from stages.corpus import write_corpus
from stages.export.export import Export
from stages.testing import Case

_MASK = pa.list_(pa.bool_())


def cases(folder: Path) -> list[Case]:
    """Each format on one corpus with every form; some formats cannot hold all of them."""
    talk = [
        {"role": "user", "content": "When?"},
        {"role": "assistant", "content": "At ten — daily."},
    ]
    rows = [
        {"prompt": "Where?", "completion": "In the garden.", "split": "train"},
        {"text": "A text.\nTwo lines.", "split": "train"},
        {"messages": talk, "split": "val"},
    ]
    common = {"source": "garden", "place": "garden.csv"}
    table = records.to_table(
        [{**common, **row, "id": f"{number:032x}"} for number, row in enumerate(rows)],
        records.schema_with({"split": pa.string()}),
    )
    source = folder / "corpus"
    manifest = {"sources": [{"name": "garden", "license": "CC0-1.0", "stage": "csv"}]}
    write_corpus(source, "records", [(table, records.REJECTS.empty_table())], manifest)
    path = str(source)
    tokens = folder / "tokens"
    row = {"id": "0" * 32, "input_ids": [1, 2, 3], "loss_mask": [False, True, True]}
    kinds = {"id": pa.string(), "input_ids": pa.list_(pa.int32()), "loss_mask": _MASK}
    one = pa.Table.from_pylist([row], schema=pa.schema(list(kinds.items())))
    write_corpus(tokens, "tokens", [(one, records.REJECTS.empty_table())], manifest)
    return [
        Case(Export(), path=path),
        Case(Export(format="messages"), path=path, reasons={"form": 1}),
        Case(Export(format="alpaca"), path=path, reasons={"form": 1}),
        Case(Export(format="sharegpt", columns=()), path=path, reasons={"form": 1}),
        Case(Export(format="text", join="\n"), path=path),
        Case(Export(format="arrow"), path=path),
        Case(Export(format="prompt_completion"), path=path),
        Case(Export(format="dpo"), path=path),
        Case(Export(format="pygmalion"), path=path),
        Case(Export(format="pretokenized"), path=str(tokens)),
    ]
