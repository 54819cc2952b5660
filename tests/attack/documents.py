"""Documents, logs of chats and dumps in XML that are cut, changed by seed, or made to cost much."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from tests.attack.trial import Trial, batches
from tests.cases.chatlog import IRC, TALK, WHATSAPP, discord, telegram
from tests.cases.xml import answer, page, post, posts, press, question, wiki
from tests.extract import worst_chats, worst_dumps
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
