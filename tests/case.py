"""A case: one stage with parameters on one small input, and the reasons that it must give.

Each stage has `tests/cases/NAME.py` with `cases(folder) -> list[Case]`; the common checks in
`tests/test_every_stage.py` run over all of them, by shape, and none is exempted by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stages.base import Stage


@dataclass
class Case:
    """stage: the instance. For sources `path` is a file, folder, pattern or URL (made below the
    folder that `cases` was given); for Map and Fit `records` are dicts; for End `path` is a corpus
    folder or a file. reasons: reason → number of rejects that the case must give, exactly.
    """

    stage: Stage
    records: Sequence[Mapping[str, Any]] = ()
    path: str = ""
    reasons: Mapping[str, int] = field(default_factory=dict)
    isolate: bool = False
