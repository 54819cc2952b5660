"""Formulas of office documents (OMML, ISO/IEC 29500-1 §22.1) as LaTeX."""

from __future__ import annotations

from stages.extract.document.elements import Element

_SIGNS = {
    "×": r"\times ", "∑": r"\sum ", "∫": r"\int ", "∏": r"\prod ", "∞": r"\infty ", "≤": r"\le ",
    "≥": r"\ge ", "≠": r"\ne ", "→": r"\to ", "±": r"\pm ", "·": r"\cdot ", "−": "-",
}  # fmt: skip
_ACCENTS = {"\u0302": "hat", "\u0303": "tilde", "\u0304": "bar", "\u0305": "overline"}
_ACCENTS |= {"\u0307": "dot", "\u0308": "ddot", "\u20d7": "vec", "\u0306": "breve"}
_PROPERTIES = ("ctrlPr", "rPr", "argPr")


def latex(formula: Element) -> str:
    """The LaTeX of a formula, without dollar signs."""
    return " ".join(_inner(formula).split())


def _inner(node: Element | None) -> str:
    if node is None:
        return ""
    return "".join(_written(child) for child in node.children if isinstance(child, Element))


def _written(node: Element) -> str:
    name = node.name.removeprefix("m:")
    if name == "t":
        return "".join(_SIGNS.get(char, char) for char in node.text())
    if name.endswith("Pr") or name in _PROPERTIES:
        return ""
    base = _inner(node.child("m:e"))
    if name == "f":
        return rf"\frac{{{_inner(node.child('m:num'))}}}{{{_inner(node.child('m:den'))}}}"
    if name in ("sSup", "sSub", "sSubSup", "limLow", "limUpp", "sPre"):
        below, above = node.child("m:sub"), node.child("m:sup")
        limit = _inner(node.child("m:lim"))
        below_text = _inner(below) if name != "limLow" else limit
        above_text = _inner(above) if name != "limUpp" else limit
        scripts = _script("_", below_text) + _script("^", above_text)
        return f"{{}}{scripts}{base}" if name == "sPre" else _grouped(base) + scripts
    if name == "rad":
        degree = _inner(node.child("m:deg"))
        return rf"\sqrt[{degree}]{{{base}}}" if degree else rf"\sqrt{{{base}}}"
    if name == "nary":
        sign = node.value("m:naryPr", "m:chr", "∫")
        below_text, above_text = _inner(node.child("m:sub")), _inner(node.child("m:sup"))
        scripts = _script("_", below_text) + _script("^", above_text)
        return f"{_SIGNS.get(sign, sign).strip()}{scripts} {base}"
    if name == "d":
        begin = node.value("m:dPr", "m:begChr", "(")
        end = node.value("m:dPr", "m:endChr", ")")
        between = node.value("m:dPr", "m:sepChr", "|")
        parts = [_inner(child) for child in node.elements("m:e")]
        return _fence(begin) + between.join(parts) + _fence(end)
    if name == "acc":
        accent = _ACCENTS.get(node.value("m:accPr", "m:chr", "\u0302"), "hat")
        return rf"\{accent}{{{base}}}"
    if name == "bar":
        line = "overline" if node.value("m:barPr", "m:pos", "bot") == "top" else "underline"
        return rf"\{line}{{{base}}}"
    if name == "func":
        function = _inner(node.child("m:fName")).strip()
        return f"{_function(function)} {base}"
    if name == "m":
        rows = (
            " & ".join(_inner(cell) for cell in row.elements("m:e"))
            for row in node.elements("m:mr")
        )
        return r"\begin{matrix}" + r" \\ ".join(rows) + r"\end{matrix}"
    if name == "eqArr":
        return r" \\ ".join(_inner(row) for row in node.elements("m:e"))
    return _inner(node)


def _function(name: str) -> str:
    plain = name.partition("_")[0]
    return "\\" + name if plain.isalpha() and plain.isascii() and len(plain) < 7 else name


def _grouped(base: str) -> str:
    return base if len(base.strip()) < 2 or base.startswith("\\") else f"{{{base}}}"


def _script(mark: str, text: str) -> str:
    text = text.strip()
    if not text:
        return ""
    return f"{mark}{text}" if len(text) == 1 else f"{mark}{{{text}}}"


def _fence(sign: str) -> str:
    return "\\" + sign if sign and sign in "{}" else sign
