"""Documents, wrapped pages, logs of chats and dumps in XML: cut, changed by seed, made to cost."""

from __future__ import annotations

import base64
import gzip
import quopri
import random
import zlib
from collections.abc import Callable, Iterator

from tests.attack.trial import Trial, batches
from tests.cases.chatlog import IRC, TALK, WHATSAPP, discord, telegram
from tests.cases.xml import answer, page, post, posts, press, question, wiki
from tests.extract import worst_chats, worst_dumps, worst_wraps
from tests.extract.damage import changed
from tests.extract.making_documents import docx, paragraph, pdf, written
from tests.extract.worst_documents import CASES

TEXT = "good words of a neighbour"
GOOD = (".md", f"# Good\n\n{TEXT}\n".encode(), TEXT)
_FORMS: dict[str, Callable[[], bytes]] = {
    ".docx": lambda: docx(paragraph("Tides", "H1") + paragraph("Read twice a day.") * 20),
    ".pdf": lambda: pdf([written(["The gauge was read twice a day."] * 20)] * 3),
    ".md": lambda: b"---\ntitle: Tides\n---\n# Tides\n\nRead twice a day.\n" * 9,
}


def _worst(name: str) -> str:
    suffix = ".docx" if "Word" in name else ".pdf" if name in ("pages", "outline") else ".md"
    return name + suffix


GOOD_TALK = (  # of three, which is a text
    ".txt",
    "".join(f"31.12.23, 23:05 - {name}: {TEXT}\n" for name in ("Ann", "Bob", "Carl")).encode(),
    TEXT,
)
GOOD_DUMP = (".xml", wiki(page("A", TEXT)), TEXT)
_DUMPS: dict[str, Callable[[], bytes]] = {
    ".wiki.xml": lambda: wiki(page("A", "'' {{b}} [[c]] ''"), page("B", "Text.")),
    ".press.xml": lambda: press(post("A", "<p>Text.</p>"), post("B", "More.")),
    ".posts.xml": lambda: posts(question(1, "A", "x"), answer(2, 1, "y"), answer(3, 1, "z")),
}
_WORDS = f"<html><body><article><p>{f'{TEXT} that is long enough. ' * 9}</p></article>".encode()
GOOD_PAGE = (".html", _WORDS, TEXT)
_MAIL = (
    b'MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary="b"; type="text/html"\r\n'
    b"Snapshot-Content-Location: http://h/\r\nDate: Mon, 3 Apr 2023 10:11:12 +0000\r\n\r\n"
)
_PARTS = {
    b"quoted-printable": quopri.encodestring(_WORDS),
    b"base64": base64.encodebytes(_WORDS),
    b"binary": _WORDS,
}
_PACKED = {
    b"Content-Encoding: gzip": gzip.compress(_WORDS, mtime=0),
    b"Content-Encoding: deflate": zlib.compress(_WORDS),
    b"Transfer-Encoding: chunked": b"%x\r\n%s\r\n0\r\n\r\n" % (len(_WORDS), _WORDS),
}


def _mail(how: bytes) -> bytes:
    head = b"--b\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: " + how + b"\r\n\r\n"
    picture = b"--b\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n"
    return _MAIL + picture + head + _PARTS[how] + b"\r\n" + picture + b"--b--\r\n"


def _archive() -> list[bytes]:
    pages = [worst_wraps.answer(body, field) for field, body in _PACKED.items()]
    return [worst_wraps.record(b"", b"request"), *map(worst_wraps.record, pages)]


def _book() -> bytes:
    items = "".join(
        f'<item id="c{n}" href="c{n}.html" media-type="application/xhtml+xml"/>' for n in range(3)
    )
    order = "".join(f'<itemref idref="c{n}"/>' for n in range(3))
    about = '<dc:title xmlns:dc="http://purl.org/dc/elements/1.1/">Locks</dc:title>'
    package = f"<package>{about}<manifest>{items}</manifest><spine>{order}</spine></package>"
    return worst_wraps.book(package.encode(), {f"c{n}.html": _WORDS for n in range(3)})


_WRAPS: dict[str, Callable[[], bytes]] = {
    ".quoted.mhtml": lambda: _mail(b"quoted-printable"),
    ".base64.mhtml": lambda: _mail(b"base64"),
    ".plain.mhtml": lambda: _mail(b"binary"),
    ".plain.warc": lambda: b"".join(_archive()),
    ".records.warc.gz": lambda: b"".join(gzip.compress(one, mtime=0) for one in _archive()),
    ".epub": _book,
}
_CHATS: dict[str, Callable[[], bytes]] = {
    ".discord.json": lambda: discord(*TALK * 9),
    ".telegram.json": lambda: telegram(*TALK * 9),
    ".whatsapp.txt": lambda: WHATSAPP.encode() * 9,
    ".irc.log": lambda: IRC.encode() * 9,
}


def damaged(forms: dict[str, Callable[[], bytes]], seed: int, each: int) -> dict[str, bytes]:
    """Some changes of every form, every sixth a cut."""
    files = {}
    for suffix, make in forms.items():
        whole, draw = make(), random.Random(f"documents {suffix} {seed}")
        for number in range(each):
            cut = number % 6 == 5
            data = whole[: draw.randrange(1, len(whole))] if cut else changed(whole, draw)
            files[f"changed {number}{suffix}"] = data
    return files


def trials(field: str, seed: int, fast: bool) -> Iterator[Trial]:
    """Damage by seed, and what costs its reader much."""
    if field == "xml":
        stage, forms, good = "xml", _DUMPS, GOOD_DUMP
        costly = {f"{name}.xml": make for name, make in worst_dumps.CASES.items()}
    elif field == "wraps":
        stage, forms, good, costly = "html", _WRAPS, GOOD_PAGE, dict(worst_wraps.CASES)
    elif field == "chats":
        stage, forms, good = "chatlog", _CHATS, GOOD_TALK
        costly = {f"{name}.log": make for name, make in worst_chats.CASES.items()}
    else:
        stage, forms, good = "documents", _FORMS, GOOD
        costly = {_worst(name): make for name, make in CASES.items()}
    if fast:
        yield from batches("all", stage, damaged(forms, seed, 3), good)
        return
    yield from batches("damaged", stage, damaged(forms, seed, 60), good, at_once=60)
    large = {name: make(200_000) for name, make in costly.items()}
    yield from batches("worst", stage, large, good, at_once=6)
