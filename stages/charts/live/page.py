"""A page of one file that runs a script: it loads nothing, and nothing but its own script runs.

The policy in its head allows one script and one style sheet, by their hashes. `unsafe-eval` is
there for regl alone, in pages that draw, which makes its drawing functions from text of its own;
data never come near it: they are read as packed arrays and shown as text. The page opens from a
folder, without a server, or is what a server of ours sends.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from stages.charts.live.packed import Part
from stages.errors import UsageError
from stages.pages import rendered, text_of

HERE = "stages.charts.live"
SCRIPTS = tuple(f"{HERE}:{name}.js" for name in ("packed", "colours"))
DRAWING = tuple(f"{HERE}:{name}.js" for name in ("chart", "scatter"))
VENDOR = f"{HERE}:vendor.js"
# Text becomes markup by one function of the script alone, where that is not for the libraries.
TRUSTED = "trusted-types seedbed"
STYLES = (f"{HERE}:live.css",)


HEAD = 2000  # characters of a page in which its mark stands


def check_ours(out: Path, mark: str) -> None:
    """UsageError when something is in the way that is no page with this mark."""
    if out.is_dir():
        raise UsageError(f"{out} is a folder: name a file for the page")
    if out.is_file():
        with open(out, encoding="utf-8", errors="replace") as file:
            if f'name="generator" content="{mark}"' not in file.read(HEAD):
                raise UsageError(f"{out} is a file of yours: name another for the page")
    elif out.exists():  # a pipe or device: not opened, and not replaced
        raise UsageError(f"{out} is no ordinary file: name another for the page")


def page(
    title: str,
    body: Markup,
    parts: Sequence[Part],
    scripts: Sequence[str],
    mark: str,
    styles: Sequence[str] = (),
    draws: bool = True,
    asks: bool = False,
) -> Markup:
    """The page. parts: its data, by name. scripts, styles: files (`package:name`) that go after
    those of all such pages. mark: what a page of ours is known by. draws: with charts and the
    libraries that draw them. asks: it asks the server that it came from for more."""
    names = [VENDOR, *SCRIPTS, *DRAWING, *scripts] if draws else [*SCRIPTS, *scripts]
    script = "\n".join(text_of(name) for name in names)
    if "</script" in script.lower():
        raise ValueError("a script holds what closes its element")
    sheets = [f"{HERE}:vendor.css", *STYLES, *styles] if draws else [*STYLES, *styles]
    style = "".join(text_of(name) for name in sheets)
    return rendered(
        f"{HERE}:page.html",
        title=title,
        body=body,
        parts=parts,
        mark=mark,
        policy="; ".join(
            [
                "default-src 'none'",
                f"style-src {_hash(style)}",
                "style-src-attr 'unsafe-inline'",
                f"script-src {_hash(script)}" + (" 'unsafe-eval'" if draws else ""),
                *(["connect-src 'self'"] if asks else []),
                *([] if draws else ["require-trusted-types-for 'script'", TRUSTED]),
                "base-uri 'none'",
                "form-action 'none'",
            ]
        ),
        style=Markup(style),
        script=Markup(script),
        licences=text_of(f"{HERE}:licences.txt") if draws else "",
    )


def policy_of(page: str) -> str:
    """The policy that a page states in its head, for a server to state as well."""
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert found is not None
    return html.unescape(found[1])


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
