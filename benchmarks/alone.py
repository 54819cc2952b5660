"""What a stage decides, as one call over plain texts or rows: for scorers, peers and tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages import records
from stages.base import State, VisibleState
from stages.clean.code_words import Reading
from stages.clean.dedup import Deduplicate, gram_sets
from stages.clean.links import asked_for
from stages.clean.refusal_score import judge_texts
from stages.clean.shingles import mixed
from stages.select import encoders
from stages.select.embed import as_column, unit
from stages.select.kmeans import Floats, fitted
from stages.select.select import KEPT, KMeansSelect
from stages.verdicts import Batch

Flags = list[dict[str, bool]]


def flags(rows: Sequence[Mapping[str, Any]]) -> Flags:
    """refusal, ai_boilerplate and cannot of each row's `answer`, as RefusalFilter judges it as an
    answer to the row's `prompt`, where there is one."""
    answers = [records.encodable(row["answer"]) for row in rows]
    prompts = [records.encodable(row.get("prompt") or "") for row in rows]
    labels = (one.label for one in judge_texts(answers, prompts))
    return [
        {
            "refusal": label == "refusal",
            "ai_boilerplate": label == "boilerplate",
            "cannot": label == "cannot",
        }
        for label in labels
    ]


def group_ids(texts: Sequence[str], threshold: float = 0.8, words: Reading = "prose") -> list[int]:
    """The number of the group of duplicates that each text belongs to: its first member's."""
    stage = Deduplicate(threshold=threshold, keep="first", words=words)
    ids = pa.array([f"{row:012}" for row in range(len(texts))], type=pa.string())
    state = stage.merge([stage.signed(ids, texts)], State())
    assert state.local is not None
    wanted = asked_for(state.local[0])
    ids = pa.array(wanted, type=pa.string())
    chosen = [texts[int(one)] for one in wanted]
    state = stage.merge([gram_sets(ids, chosen, [*wanted.values()], None, words)], state)
    groups = list(range(len(texts)))
    assert state.local is not None
    found = state.local[0]
    for one, group in zip(found["id"].to_pylist(), found["group"].to_pylist(), strict=True):
        groups[int(one)] = int(group)
    return groups


def embed(texts: Sequence[str], model: str = "wordllama", tokens: int = 256) -> Floats:
    """A unit vector for each text, as Embed stores it; zeros for a text without a token."""
    found = unit(encoders.encoder(model, tokens)(texts))
    return found.astype(np.float16).astype(np.float32)


def kmeans(x: npt.NDArray[Any], k: int, seed: int = 0) -> Floats:
    """k centroids of the rows of x (not scaled here: cosine wants unit vectors)."""
    rows = np.ascontiguousarray(x, dtype=np.float32)
    draws = mixed(np.arange(len(rows), dtype=np.uint64) ^ mixed(np.array([seed], dtype=np.uint64)))
    return fitted(rows, min(k, len(rows)), draws, seed)


def select(texts: Sequence[str], keep: int, seed: int = 0) -> list[int]:
    """The numbers of `keep` texts that are spread out, chosen on wordllama vectors."""
    vectors = embed(texts)
    rows = np.flatnonzero(vectors.any(axis=1))
    empty = np.zeros(len(rows), dtype=bool)
    table = pa.table(
        {
            "id": pa.array([str(row) for row in rows.tolist()], type=pa.string()),
            "vector": as_column(vectors[rows], empty),
        }
    )
    stage = KMeansSelect(keep=keep, seed=seed)
    state = stage.merge([stage.observe(Batch(table), VisibleState(0, {}, {}, None))], State())
    assert state.local is not None
    kept = state.local[0].filter(pc.equal(state.local[0]["fate"], KEPT))
    return [int(name) for name in kept["id"].to_pylist()]
