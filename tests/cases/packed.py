"""Packed files that no source can read to the end, for the cases of all."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path


def packed(folder: Path, suffix: str, data: bytes) -> tuple[str, ...]:
    """Write a file that is cut, one that is packed twice, an archive of pictures; the reasons.

    data: some hundred bytes that can be read, so that what is cut is their end.
    """
    whole = gzip.compress(data, mtime=0)
    (folder / f"cut{suffix}.gz").write_bytes(whole[:-20])
    (folder / f"twice{suffix}.gz").write_bytes(gzip.compress(whole, mtime=0))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.png", b"x")
    (folder / "none.zip").write_bytes(buffer.getvalue())
    return "truncated", "nested", "no_members"
