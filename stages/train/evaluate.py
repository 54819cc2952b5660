"""What a model makes of documents that it does not train on: losses, and how sure it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from stages.require import require
from stages.train.data import Documents
from stages.train.loss import FIGURES, row_figures, row_of
from stages.train.parallel import ALONE, Group

Array = np.ndarray[Any, Any]


def evaluate(
    model: Any,
    documents: Documents,
    rows: Sequence[Sequence[int]],
    precision: str,
    device: str,
    *,
    group: Group = ALONE,
    between: Callable[[], None] = lambda: None,
) -> Array:
    """Sums over the targets of each document: float64 of shape [figures, documents], in the order
    of `loss.FIGURES`.

    rows: numbers of the documents of each packed row. between: called after a row.
    """
    sums = np.zeros((len(FIGURES), len(documents)))
    for row, figures in _figures(model, documents, rows, precision, device, group, between):
        begins = np.cumsum([0, *documents.targets[row][:-1]])
        sums[:, row] += np.add.reduceat(figures, begins, axis=1)
    return _together(sums, group)


def of_targets(
    model: Any,
    documents: Documents,
    rows: Sequence[Sequence[int]],
    precision: str,
    device: str,
    *,
    group: Group = ALONE,
    between: Callable[[], None] = lambda: None,
) -> Array:
    """The same of each target by itself: float64 of shape [figures, targets], documents in their
    order, targets in theirs."""
    begins = np.concatenate([[0], np.cumsum(documents.targets)])
    made = np.zeros((len(FIGURES), int(begins[-1])))
    for row, figures in _figures(model, documents, rows, precision, device, group, between):
        places = np.concatenate([np.arange(begins[at], begins[at + 1]) for at in row])
        made[:, places] += figures
    return _together(made, group)


def _figures(
    model: Any,
    documents: Documents,
    rows: Sequence[Sequence[int]],
    precision: str,
    device: str,
    group: Group,
    between: Callable[[], None],
) -> Iterator[tuple[list[int], Array]]:
    """(documents, figures of their targets) of each row of this process; nothing of a row that is
    worked on for others' sake alone."""
    model.eval()
    lengths = [int(documents.lengths[list(row)].sum()) for row in rows]
    for number, counts in group.share(lengths):
        row = list(rows[number])
        batch = row_of([documents.tokens(at) for at in row], device)
        figures = row_figures(model, batch, precision).double().cpu().numpy()
        if counts > 0:
            yield row, figures
        between()


def _together(values: Array, group: Group) -> Array:
    made: Array = group.summed(require("torch", "train").from_numpy(values)).numpy()
    return made
