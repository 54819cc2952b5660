"""Formulas as LaTeX: what MathML, KaTeX, MathJax and pictures of formulas say of themselves."""

from __future__ import annotations

import html
import re
from typing import Any

from stages.extract.webpage.tree import Node, text_of

_WRAPPED = re.compile(r"\{?\\(?:display|text)style\b\s*(.*?)\}?$", re.DOTALL)
_DELIMITED = re.compile(r"(?:\$\$?|\\\(|\\\[)(.*?)(?:\$\$?|\\\)|\\\])$", re.DOTALL)
# What needs no marks of a formula.
_BARE = re.compile(r"[+\-−±]?\d[\d.,]*\s?%?|\w|[<>=≤≥]\s?\d[\d.,]*")
_LONGEST = 4000
_DEEPEST = 40
_FRAMES = {"mfrac": r"\frac", "msqrt": r"\sqrt", "mroot": r"\sqrt"}
_SCRIPTS = {"msup": "^", "msub": "_", "mover": "^", "munder": "_"}
_BOTH = ("msubsup", "munderover")
_SIGNS = {
    **dict.fromkeys("\u2061\u2062\u2063", ""),  # which nobody sees
    "−": "-",
    "×": r"\times ",
    "∑": r"\sum ",
    "∫": r"\int ",
    "√": r"\sqrt ",
}
_TEX = ("application/x-tex", "tex", "latex", "application/x-latex", "text/x-tex")


def sources(document: Any) -> None:
    """Make elements of MathJax's sources, which are scripts and so no text of the page."""
    for script in document.css('script[type^="math/tex"]'):
        written = script.text() or ""
        if 0 < len(written) <= _LONGEST:
            element = document.create_node("math")
            element.attrs["class"] = "mathjax"
            element.attrs["alttext"] = written.strip()
            if "mode=display" in (script.attributes.get("type") or ""):
                element.attrs["display"] = "block"
            script.replace_with(element)


def latex(node: Node) -> str | None:
    """The LaTeX of a formula between dollar signs; nothing where it says nothing, None where it is
    too long."""
    found = node.attributes.get("alttext", "")
    found = html.unescape(found) if "&" in found else found
    found = found or _annotation(node) or _written(node, 0)
    found = " ".join(found.split()).replace("`", "'")
    if len(found) > _LONGEST:
        return None
    for rule in (_DELIMITED, _WRAPPED):
        match = rule.match(found)
        if match and match[1].count("{") == match[1].count("}"):
            found = match[1].strip()
    if not found or _BARE.fullmatch(found):
        return found
    mark = "$$" if node.attributes.get("display") == "block" else "$"
    return f"{mark}{found}{mark}"


def _annotation(node: Node) -> str:
    stack: list[Node] = [node]
    while stack:
        one = stack.pop()
        if one.tag == "annotation" and one.attributes.get("encoding", "").lower() in _TEX:
            return text_of(one)
        stack += [child for child in one.children if isinstance(child, Node)]
    return ""


def _written(node: Node, depth: int) -> str:
    """The LaTeX of MathML without any."""
    tag = node.tag
    if tag in ("annotation", "annotation-xml"):
        return ""
    if depth > _DEEPEST:
        return text_of(node)
    if tag == "mtext":
        text = text_of(node)
        return rf"\text{{{text}}}" if text else " "
    parts = []
    for child in node.children:
        if isinstance(child, Node):
            parts.append(_written(child, depth + 1))
        elif tag in ("mi", "mn", "mo", "ms", "math", "mrow"):
            parts.append(_SIGNS.get(child.strip(), child.strip()))
    if tag in _FRAMES and parts:
        if tag == "msqrt":
            return rf"\sqrt{{{''.join(parts)}}}"
        if len(parts) == 2:
            first, second = parts
            if tag == "mroot":
                return rf"\sqrt[{second}]{{{first}}}"
            return rf"\frac{{{first}}}{{{second}}}"
    if tag in _SCRIPTS and len(parts) == 2:
        return f"{_grouped(parts[0])}{_SCRIPTS[tag]}{_grouped(parts[1])}"
    if tag in _BOTH and len(parts) == 3:
        return f"{_grouped(parts[0])}_{_grouped(parts[1])}^{_grouped(parts[2])}"
    if tag == "mtable":
        return r"\begin{matrix}" + r" \\ ".join(parts) + r"\end{matrix}"
    if tag in ("mtr", "mlabeledtr"):
        return " & ".join(parts)
    return "".join(parts)


def _grouped(part: str) -> str:
    part = part.strip()
    return part if len(part) == 1 or re.fullmatch(r"\\[a-z]+", part) else f"{{{part}}}"
