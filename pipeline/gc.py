"""`seedbed gc`: remove from the store what the last runs do not name."""

from __future__ import annotations

import json
import os
from pathlib import Path

from pipeline.store import Store
from stages.errors import UsageError


def collect(root: Path, keep_runs: int = 3) -> tuple[int, int]:
    """Remove entries that the last `keep_runs` runs of a store do not name, and their accounts.

    Returns (entries, bytes) removed. UsageError while a run is under way.
    """
    if not (root / "objects").is_dir():
        raise UsageError(f"{root} is not a store")
    store = Store(root)
    store.sweep()
    accounts = sorted((root / "runs").glob("*.json")) if (root / "runs").is_dir() else []
    read = [(path, json.loads(path.read_text())) for path in accounts]
    for path, account in read:
        pid = account.get("running")
        if pid and _lives(pid):
            raise UsageError(f"a run is under way in {root} (process {pid}); wait for its end")
        if pid:
            path.unlink()
    finished = [(path, account) for path, account in read if not account.get("running")]
    kept = finished[-keep_runs:] if keep_runs else []
    named = {key for _, account in kept for key in account["keys"]}
    removed = store.remove([key for key in store.all() if key not in named])
    for path, _ in finished[: len(finished) - len(kept)]:
        path.unlink()
    return removed


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
