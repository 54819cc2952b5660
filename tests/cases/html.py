"""Cases of the stage html: every reason, and pages of several kinds that are kept."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

from stages.extract.html import HtmlExtract
from stages.testing import Case

LINE = "The tide gauge was read twice a day and written down by hand in the harbour book."
# Every element that is cut for what it is, and headings that lead nowhere at the end.
CUT = f"""<div role=banner>Harbour board</div><nav>Home, tides, charts</nav>
<div class=cookie-notice>We keep crumbs.</div><dialog>Log in first</dialog>
<main><h1>Tides</h1>{f"<p>{LINE}</p>" * 5}<p hidden>Not shown</p><p>`</p>
<aside>Beside it</aside><form>Your name</form><svg><text>Low</text></svg>
<math><mi>h</mi></math><noscript>Turn it on</noscript><xmp>raw</xmp>
<ul>{"<li><a href=/tides>Tides of another harbour</a></li>" * 8}</ul>
<h2 id=how>How it is read<a class=headerlink href="#how">¶</a></h2><p>{LINE}</p>
<table class=highlighttable><tr><td class=linenos><pre>1
2</pre></td><td class=code><pre>read(gauge)
write(book)</pre></td></tr></table>
<p>{LINE}</p><h2>Sources</h2></main>
<div class=comments>First!</div><footer>Printed by hand</footer>"""
ARTICLE = "<article><h1>Tides</h1>" + f"<p>{LINE}</p>" * 5 + "</article>"
BODY = f"<p>{LINE}</p>" * 6
NEXT = f"<article>{BODY}<h2>Ebb</h2>{BODY}<h3>See next</h3><p><a href=x>On</a></article>"
# A topic of a forum, a post of which was deleted.
TOPIC = "".join(
    f"<div class='thing {kind}'><a class=author>{who}</a><div class=usertext-body>{said}</div>"
    "</div>"
    for kind, who, said in (
        ("link", "Ada", LINE),
        ("comment", "[deleted]", "[removed]"),
        ("comment", "Cleo", LINE),
    )
)
PAGE = f"<html lang='en'><head><title>Tides | Harbour</title></head><body>{ARTICLE}</body></html>"


def cases(folder: Path) -> list[Case]:
    """Write the pages below `folder`."""
    return [*_kept(folder), *_refused(folder), *_packed(folder), *_isolated(folder)]


def _write(path: Path, data: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def _kept(folder: Path) -> list[Case]:
    kept = folder / "kept"
    _write(kept / "tides.html", PAGE)
    _write(kept / "deep" / "häfen #2.htm", PAGE.replace("tide", "ebb"))
    _write(kept / "latin.html", PAGE.replace("tide", "Flut für").encode("cp1252"))
    _write(kept / "cut.html", CUT)
    _write(kept / "next.html", NEXT)
    _write(kept / "topic.html", TOPIC)
    _write(kept / "gzip.html.gz", gzip.compress(PAGE.encode(), mtime=0))
    mail = "MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n"
    _write(kept / "saved.mhtml", f"{mail}--b\r\nContent-Type: text/html\r\n\r\n{PAGE}\r\n--b--")
    _write(kept / "other.txt", "not read")
    return [
        Case(HtmlExtract(), path=str(kept)),
        Case(HtmlExtract(format="text", comments="keep"), path=str(kept / "**" / "*.htm*")),
        Case(HtmlExtract(selector="article p", charset="cp1252"), path=str(kept / "latin.html")),
        Case(HtmlExtract(), path=str(kept), isolate=True),
    ]


def _refused(folder: Path) -> list[Case]:
    refused = folder / "refused"
    menu = "<nav>" + "<a href='/a'>Another page of the harbour</a> " * 20 + "</nav>"
    _write(refused / "empty.html", b" \n")
    _write(refused / "picture.html", b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    _write(refused / "menu.html", f"<html><body>{menu}</body></html>")
    _write(refused / "shell.html", "<body><div id=root></div><script>start()</script></body>")
    _write(
        refused / "short.html",
        "<body><article><p>Closed on Mondays, and on the days of the "
        "storm flag as well.</p></article></body>",
    )
    _write(refused / "tags.html", "a<br>" * ((1 << 20) + 1))
    (refused / "gone.html").symlink_to(refused / "nowhere")
    (refused / "away.html").symlink_to(folder / "tides.html")
    reasons = ("empty", "binary", "no_text", "needs_script", "too_short", "unreadable", "link")
    reasons += ("markup",)
    answer = f"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\n{PAGE}"
    head = f"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: {len(answer)}\r\n\r\n"
    gone = _write(folder / "gone.warc", head + answer)
    tides = _write(folder / "tides.html", PAGE)
    notes = _write(folder / "notes.html", f"# Tides\n\n{LINE}\n\n- {LINE}\n")
    return [
        Case(HtmlExtract(min_words=20), path=str(refused), reasons=dict.fromkeys(reasons, 1)),
        Case(HtmlExtract(), path=str(notes), reasons={"wrong_kind": 1}),
        Case(HtmlExtract(), path=str(gone), reasons={"no_page": 1}),
        Case(HtmlExtract(selector=".price"), path=str(tides), reasons={"no_match": 1}),
        Case(
            HtmlExtract(conversations="messages"), path=str(tides), reasons={"no_conversation": 1}
        ),
        Case(HtmlExtract(max_bytes=100), path=str(tides), reasons={"oversize": 1}),
    ]


def _packed(folder: Path) -> list[Case]:
    packed = folder / "packed"
    whole = gzip.compress((PAGE * 50).encode(), mtime=0)
    _write(packed / "cut.html.gz", whole[:-20])
    _write(packed / "damaged.html.gz", whole[:20] + bytes(40) + whole[60:])
    _write(packed / "twice.html.gz", gzip.compress(whole, mtime=0))
    _tar(packed / "none.tar", {"notes.txt": b"nothing to read"})
    _tar(packed / "site.tar", {"a/tides.html": PAGE.encode(), "a/empty.html": b""})
    reasons = ("truncated", "corrupt", "nested", "no_members", "empty")
    return [Case(HtmlExtract(), path=str(packed), reasons=dict.fromkeys(reasons, 1))]


def _tar(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(data)
            archive.addfile(header, io.BytesIO(data))


def _isolated(folder: Path) -> list[Case]:
    slow = _write(folder / "slow.html", f"<body>{ARTICLE}" + f"<p>{LINE}" * 30_000)
    # One character beyond 16 bits makes Python's text four times as large as its bytes.
    large = _write(folder / "large.html", "<body><p>\N{ROCKET} " + LINE * 400_000)
    return [
        Case(HtmlExtract(deadline=0.01), path=str(slow), reasons={"deadline": 1}, isolate=True),
        Case(
            HtmlExtract(memory=64, max_bytes=64 << 20),
            path=str(large),
            reasons={"memory": 1},
            isolate=True,
        ),
    ]
