"""Wikitext as text whose lines still have their marks; templates, notes and files are left out.

One pass over the tokens with a stack of what is open: time goes by the size. What is not closed is
text. The marks of lines, lists and tables are read by `wikilines`.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from itertools import pairwise

from stages.extract.webpage.tree import nonspace, words

_TOKEN = re.compile(
    r"<!--.*?(?:-->|\Z)|\{\{\{?|\}\}\}?|\[\[|\]\]|\||\[(?=(?:https?:|ftp:|mailto:)?//|mailto:)|\]|'{2,}"
    r"|</?[a-zA-Z][a-zA-Z0-9]*(?=[\s/>])[^<>]*>|__[A-Z]{3,20}__|-\{|\}-",
    re.DOTALL,
)
_DEEPEST = 100  # templates and links within one another; beyond it their marks are text
_TAG = re.compile(r"<(/?)([a-zA-Z0-9]+)([^<>]*?)(/?)>$", re.DOTALL)
# Elements whose inside is no wikitext → what becomes of it.
_WHOLE = {
    "nowiki": "text",
    "pre": "code",
    "syntaxhighlight": "code",
    "source": "code",
    "math": "math",
    "chem": "math",
    "ce": "math",
    "ref": "ref",
    "gallery": "media",
    "imagemap": "media",
    "timeline": "media",
    "score": "media",
    "graph": "media",
    "mapframe": "media",
    "templatestyles": "template",
    "references": "ref",
}
_BLOCKS = (
    "p",
    "div",
    "blockquote",
    "center",
    "br",
    "hr",
    "poem",
    "li",
    "ul",
    "ol",
    "dl",
    "dd",
    "dt",
)
_LANG = re.compile(r"""lang\s*=\s*["']?([\w+#.-]+)""")
# Namespaces of files and categories, in the languages with the largest wikis.
_FILES = words(
    "file image media datei bild fichier archivo imagen ficheiro imagem immagine bestand afbeelding"
    " plik grafika файл изображение зображення fil dosya súbor soubor fájl kép 文件 檔案 ファイル"
    " 画像 파일 그림 تصویر ملف קובץ תמונה tập"
)
_CATEGORIES = words(
    "category kategorie catégorie categoría categoria categorie kategoria категория категорія"
    " kategori kategória luokka 分类 分類 カテゴリ 분류 تصنيف رده קטגוריה"
)
_INTERWIKI = re.compile(r"[a-z]{2,3}(?:-[a-z]{2,10})?$")
# Templates whose text is part of the sentence: which of their parameters, from 1; the last: 0.
_INLINE = {
    "lang": 0, "nowrap": 1, "nobr": 1, "transl": 0, "transliteration": 0, "em": 1, "strong": 1,
    "small": 1, "big": 1, "abbr": 1, "math": 1, "mvar": 1, "code": 1, "kbd": 1, "sic": 1,
    "nihongo": 1, "smallcaps": 1, "midsize": 1, "nbsp": -1, "spaces": -1, "snd": -1,
}  # fmt: skip
_CONVERT = ("convert", "cvt")
_HOLD = "\x00"  # around the number of a piece that is no wikitext
EMPHASIS = "\x01"  # a star of Markdown, which no line begins with as an item
_HELD = re.compile(f"{_HOLD}(\\d+){_HOLD}")


@dataclass
class Wikitext:
    """text: with the marks of lines. held: pieces in it that are no wikitext. categories. removed:
    reason → characters, without white space, that are not in the text."""

    text: str
    held: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    removed: dict[str, int] = field(default_factory=dict)

    def restored(self, text: str) -> str:
        """A piece of the text with what is no wikitext in its place."""
        return _HELD.sub(lambda found: self.held[int(found[1])], text.replace(EMPHASIS, "*"))


@dataclass
class _Frame:
    """What is open: a template, a link within the wiki, or one to elsewhere; "" is the page.

    gone: characters that had been left out before it."""

    kind: str
    start: int
    gone: int = 0
    pieces: list[str] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)  # pieces before each bar


def read(source: str) -> Wikitext:
    """The text of a page."""
    for sign in (_HOLD, EMPHASIS):
        source = source.replace(sign, "")
    return _Reader(source.replace("\r\n", "\n")).read()


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._made = Wikitext("")
        self._stack = [_Frame("", 0)]
        self._open = {"{": 0, "[[": 0, "[": 0}
        self._unclosed: set[str] = set()
        self._at = self._gone = 0

    def read(self) -> Wikitext:
        source = self._source
        while (found := _TOKEN.search(source, self._at)) is not None:
            self._add(source[self._at : found.start()])
            self._at = found.end()
            self._token(found[0], found.start())
        self._add(source[self._at :])
        while len(self._stack) > 1:
            self._give_up()
        self._made.text = html.unescape("".join(self._stack[0].pieces)).replace("\xa0", " ")
        return self._made

    def _add(self, text: str) -> None:
        if text:
            self._stack[-1].pieces.append(text)

    def _remove(self, reason: str, characters: int) -> None:
        """Count what goes; what stands in a template is counted with it."""
        if characters > 0 and not self._open["{"]:
            removed = self._made.removed
            removed[reason] = removed.get(reason, 0) + characters
            self._gone += characters

    def _hold(self, text: str) -> None:
        if text:
            self._made.held.append(text)
            self._add(f"{_HOLD}{len(self._made.held) - 1}{_HOLD}")

    # --- tokens -----------------------------------------------------------------------------------

    def _token(self, token: str, start: int) -> None:
        if token.startswith("<!--"):
            self._remove("comment", nonspace(token))
        elif token[0] == "<":
            self._tag(token, start)
        elif token.startswith("{"):
            self._push("{", start, token)
        elif token in ("[[", "["):
            self._push(token, start, token)
        elif token[0] == "}" and token != "}-":
            self._close_template(token)
        elif token == "]]":
            self._close_link(token)
        elif token == "]":
            self._close_outside(token)
        elif token == "|":
            frame = self._stack[-1]
            if frame.kind in ("{", "[["):
                frame.cuts.append(len(frame.pieces))
            else:
                self._add(token)
        elif token[0] == "'":
            self._add(_quotes(len(token)))
        elif token.startswith("__"):
            self._remove("markup", nonspace(token))
        # the marks of variants of a language go, their text stays

    def _push(self, kind: str, start: int, token: str) -> None:
        if len(self._stack) > _DEEPEST:
            self._add(token)
            return
        self._stack.append(_Frame(kind, start, self._gone))
        self._open[kind] += 1

    def _give_up(self) -> None:
        """What is open is none: its mark and what is in it are text."""
        frame = self._stack.pop()
        self._open[frame.kind] -= 1
        marks = {"{": "{{"}.get(frame.kind, frame.kind)
        self._add(marks)
        self._add("|".join(_parts(frame)))

    def _close_template(self, token: str) -> None:
        if not self._open["{"]:
            self._add(token)
            return
        while self._stack[-1].kind != "{":
            self._give_up()
        frame = self._stack.pop()
        self._open["{"] -= 1
        if len(token) == 3 and not self._source.startswith("{{{", frame.start):
            self._at -= 1  # of the one around it
        kept = _inline(_parts(frame))
        if kept is not None:
            self._add(kept)
        elif not self._open["{"]:
            self._remove("template", self._size(frame))

    def _close_link(self, token: str) -> None:
        if not self._open["[["]:
            self._add(token)
            return
        while self._stack[-1].kind != "[[":
            if self._stack[-1].kind == "{":  # a template that goes on behind the link's end
                self._add(token)
                return
            self._give_up()
        frame = self._stack.pop()
        self._open["[["] -= 1
        parts = _parts(frame)
        target = parts[0].strip()
        space, colon, rest = target.partition(":")
        name = space.strip().casefold()
        if colon and name in _FILES:
            self._remove("media", self._size(frame))
        elif colon and name in _CATEGORIES:
            self._made.categories.append(html.unescape(rest.strip()))
            self._remove("category", self._size(frame))
        elif colon and _INTERWIKI.match(name) and len(parts) == 1 and rest.strip():
            self._remove("interwiki", self._size(frame))
        elif len(parts) > 1 and parts[-1].strip():
            self._add("|".join(parts[1:]))
        else:
            self._add(target.removeprefix(":").removesuffix("|"))

    def _size(self, frame: _Frame) -> int:
        """Characters of what was open, without those in it that were counted."""
        whole = nonspace(self._source[frame.start : self._at])
        return whole - (self._gone - frame.gone)

    def _close_outside(self, token: str) -> None:
        if self._stack[-1].kind != "[":
            self._add(token)
            return
        frame = self._stack.pop()
        self._open["["] -= 1
        address, _, words = "".join(frame.pieces).strip().partition(" ")
        self._add(words.strip() or address)

    def _tag(self, token: str, start: int) -> None:
        found = _TAG.match(token)
        name = found[2].lower() if found else ""
        closing = bool(found and found[1])
        what = _WHOLE.get(name)
        if what is None or closing:
            self._plain(name, closing, token)
            return
        if found and found[4]:  # <ref name="x"/>
            self._remove(what if what in ("ref", "template") else "markup", nonspace(token))
            return
        stop = self._end_of(name)
        if stop is None:
            self._remove("markup", nonspace(token))
            return
        inner = self._source[self._at : stop[0]]
        self._at = stop[1]
        size = nonspace(self._source[start : self._at])
        if what == "text":
            self._hold(html.unescape(inner))
        elif what == "math":
            formula = " ".join(inner.split())
            self._hold(f"${formula}$" if formula else "")
        elif what == "code":
            self._code(token, inner)
        else:
            self._remove(what, size)

    def _code(self, token: str, inner: str) -> None:
        if "inline" in token:
            self._hold(f"`{inner.strip()}`")
            return
        language = _LANG.search(token)
        longest = max((len(run) for run in re.findall("`{3,}", inner)), default=2)
        fence = "`" * (longest + 1)
        opening = f"{fence}{language[1] if language else ''}"
        self._add("\n")
        self._hold(f"{opening}\n{inner.strip(chr(10)).rstrip()}\n{fence}")
        self._add("\n")

    def _end_of(self, name: str) -> tuple[int, int] | None:
        """(begin, end) of the tag that closes an element; looked for once where there is none."""
        if name in self._unclosed:
            return None
        found = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(self._source, self._at)
        if found is None:
            self._unclosed.add(name)
            return None
        return found.start(), found.end()

    def _plain(self, name: str, closing: bool, token: str) -> None:
        """An element whose inside is wikitext: its tag is no text."""
        self._remove("markup", nonspace(token))
        if name in _BLOCKS:
            self._add("\n")
        elif name in ("code", "tt", "kbd"):
            self._add("`")
        elif name in ("sup", "sub") and not closing:
            self._add("^" if name == "sup" else "_")


def _quotes(count: int) -> str:
    """Marks of bold and italic letters; what is beyond them is text."""
    stars = {2: 1, 3: 2, 4: 2}.get(count, 3)
    return "'" * (count - (stars + 1 if stars < 3 else 5)) + EMPHASIS * stars


def _parts(frame: _Frame) -> list[str]:
    """What stands between the bars."""
    cuts = [0, *frame.cuts, len(frame.pieces)]
    return ["".join(frame.pieces[one:other]) for one, other in pairwise(cuts)]


def _inline(parts: list[str]) -> str | None:
    """The text of a template that is part of a sentence; None for all others."""
    name = parts[0].strip().lower().partition("-")[0]
    given = [part.strip() for part in parts[1:] if "=" not in part]
    if name in _CONVERT and len(given) > 1:
        return f"{given[0]} {given[1]}"
    at = _INLINE.get(name)
    if at is None or (at >= 0 and len(given) < max(1, at)):
        return None
    return " " if at < 0 else given[at - 1]
