"""A page of one file that runs a script: it loads nothing, and nothing but its own script runs.

The policy in its head allows one script, by its hash. `unsafe-eval` is there for regl, which
makes its drawing functions from text of its own; data never come near it: they are read as packed
arrays and shown as text. The page opens from a folder, without a server.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from stages.charts.live.packed import Part
from stages.errors import UsageError
from stages.pages import rendered, text_of

HERE = "stages.charts.live"
SCRIPTS = tuple(f"{HERE}:{name}.js" for name in ("vendor", "packed", "colours", "chart", "scatter"))
STYLES = (f"{HERE}:vendor.css", f"{HERE}:live.css")


HEAD = 2000  # characters of a page in which its mark stands


def check_ours(out: Path, mark: str) -> None:
    """UsageError when a file is in the way that is no page with this mark."""
    if out.is_dir():
        raise UsageError(f"{out} is a folder: name a file for the page with -o")
    if out.is_file():
        with open(out, encoding="utf-8", errors="replace") as file:
            if f'name="generator" content="{mark}"' not in file.read(HEAD):
                raise UsageError(f"{out} is a file of yours: name another for the page with -o")


def page(
    title: str,
    body: Markup,
    parts: Sequence[Part],
    scripts: Sequence[str],
    mark: str,
    styles: Sequence[str] = (),
) -> Markup:
    """The page. parts: its data, by name. scripts, styles: files (`package:name`) that go after
    those of all such pages. mark: what a page of ours is known by."""
    script = "\n".join(text_of(name) for name in [*SCRIPTS, *scripts])
    if "</script" in script.lower():
        raise ValueError("a script holds what closes its element")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return rendered(
        f"{HERE}:page.html",
        title=title,
        body=body,
        parts=parts,
        mark=mark,
        policy="default-src 'none'; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}' 'unsafe-eval'; base-uri 'none'; form-action 'none'",
        style=Markup("".join(text_of(name) for name in [*STYLES, *styles])),
        script=Markup(script),
        licences=text_of(f"{HERE}:licences.txt"),
    )
