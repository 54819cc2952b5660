"""Records of which a model's template and tokenizer would learn nothing, or cut something."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from stages.audit.finding import Findings, short, where
from stages.audit.kinds import KINDS
from stages.tokens.tokenize import Tokenize


def of_model(table: pa.Table, model: str, length: int, findings: Findings) -> int:
    """Encode all records as training would; returns how many tokens would be learned."""
    stage = Tokenize(model=model, max_length=length, long="drop")
    rejects: list[dict[str, Any]] = []
    made = stage(table, rejects) if table.num_rows else None
    for reject in rejects:
        evidence = json.loads(reject["evidence"] or "{}")
        detail = ", ".join(f"{key} {short(value)}" for key, value in [*evidence.items()][:3])
        reason, place = reject["reason"], where(reject["place"])
        if reason in KINDS:
            findings.add(reason, place, detail)
        else:
            findings.refused(reason, stage.reasons[reason], False, place, detail)
    if made is None:
        return 0
    targets = 0
    for mask in made.column("loss_mask").to_pylist():
        targets += sum(mask)
    return targets
