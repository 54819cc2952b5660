"""The folder of a model that a user names: a folder of theirs, or one of the Hugging Face hub's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stages.errors import UsageError
from stages.require import require


def folder_of(model: str, patterns: Sequence[str], parameter: str, otherwise: str) -> Path:
    """The folder, fetched from the hub where it is not in its cache.

    patterns: files that are wanted. parameter: which one names the model, for messages; otherwise:
    what a name that is none of both should be. UsageError where there is no such model.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder
    if model.count("/") != 1 or model.startswith((".", "/", "~")):
        raise UsageError(f"{parameter}: {model!r} is no folder{otherwise}")
    hub = require("huggingface_hub", "cluster")
    try:
        return Path(hub.snapshot_download(model, local_files_only=True, allow_patterns=[*patterns]))
    except Exception:  # not there yet: the user named it, so it may be fetched
        try:
            return Path(hub.snapshot_download(model, allow_patterns=[*patterns]))
        except Exception as error:
            raise UsageError(
                f"{parameter}: {model!r} is no folder, and the hub did not give it: {error}"
            ) from error
