"""HtmlExtract: what is kept of a page, how, and what becomes of pages without text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stages.extract.html import HtmlExtract
from stages.extract.webpage.page import page

LINE = "The tide gauge was read twice a day and written down by hand in the harbour book."


def body(inner: str, head: str = "") -> bytes:
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'>{head}</head>"
        f"<body>{inner}</body></html>"
    ).encode()


def article(inner: str) -> bytes:
    return body(f"<article><h1>Tides</h1><p>{LINE} {LINE}</p>{inner}<p>{LINE}</p></article>")


def read(folder: Path, data: bytes, **parameters: Any) -> tuple[list[Any], list[Any]]:
    (folder / "page.html").write_bytes(data)
    rejects: list[dict[str, Any]] = []
    return list(HtmlExtract(**parameters)(folder, rejects)), rejects


def test_menus_notices_and_footers_go(tmp_path: Path) -> None:
    data = body(
        "<nav><a href=/>Home page</a></nav><div class='cookie-banner'>We use cookies here.</div>"
        f"<article><p>{LINE}</p><p>{LINE}</p></article>"
        "<div class=related><a href=/x>Another story</a></div><footer>Imprint 2024</footer>"
    )
    kept, rejects = read(tmp_path, data)
    assert [record["text"] for record in kept] == [f"{LINE}\n\n{LINE}"]
    assert not rejects


def test_lists_tables_code_and_quotations_keep_their_form() -> None:
    found = page(
        article(
            "<h2>Steps</h2><ol start=3><li>Read the <code>gauge</code><ul><li>at ebb</ul>"
            "<li>Write it down</ol><table><tr><th>Day<th>Feet<tr><td>Monday<td>3|4</table>"
            "<pre><code class='language-python'>for a in b:\n    print(a)\n</code></pre>"
            "<blockquote><p>A tide waits for nobody at all.</p></blockquote>"
        )
    )
    assert found.markdown == "\n".join(
        [
            f"{LINE} {LINE}",
            "",
            "## Steps",
            "",
            "3. Read the `gauge`",
            "    - at ebb",
            "4. Write it down",
            "",
            "| Day | Feet |",
            "| --- | --- |",
            "| Monday | 3\\|4 |",
            "",
            "```python",
            "for a in b:",
            "    print(a)",
            "```",
            "",
            "> A tide waits for nobody at all.",
            "",
            LINE,
        ]
    )


def test_meta(tmp_path: Path) -> None:
    head = (
        "<title>Tides of the sound - Harbour News</title>"
        "<meta property='og:site_name' content='Harbour News'>"
        "<meta name=author content='Ada Quill'><meta name=description content='On tides.'>"
        "<meta property='article:published_time' content='2024-3-9T10:00:00Z'>"
        "<link rel=canonical href='https://harbour.example/tides'>"
    )
    inner = f"<h1>Tides of the sound</h1><article><p>{LINE}</p><p>{LINE}</p></article>"
    kept, _ = read(tmp_path, body(inner, head))
    assert json.loads(kept[0]["meta"]) == {
        "title": "Tides of the sound",
        "author": "Ada Quill",
        "date": "2024-03-09",
        "language": "en",
        "url": "https://harbour.example/tides",
        "description": "On tides.",
        "site": "Harbour News",
    }


def test_an_empty_shell_and_a_menu_say_why(tmp_path: Path) -> None:
    kept, rejects = read(tmp_path, body("<div id=app></div><script>run()</script>"))
    assert not kept and rejects[0]["reason"] == "needs_script"
    assert json.loads(rejects[0]["evidence"]) == {"characters": 0, "in_links": 0, "scripts": 1}
    kept, rejects = read(tmp_path, body("<ul>" + "<li><a href=/>Some page</a>" * 30 + "</ul>"))
    assert not kept and rejects[0]["reason"] == "no_text"


def test_too_short_says_how_short(tmp_path: Path) -> None:
    _, rejects = read(tmp_path, body(f"<article><p>{LINE}</p></article>"), min_words=30)
    assert rejects[0]["reason"] == "too_short"
    assert json.loads(rejects[0]["evidence"]) == {"score": 17, "limit": 30}
