"""docs/stages.md, made from the stages themselves.

`python -m pipeline.reference` rewrites it; a test compares, so it cannot rot.
"""

from __future__ import annotations

from pathlib import Path

import stages
from stages import check


def reference() -> str:
    """docs/stages.md: every stage with all parameters, reasons and cuts."""
    head = (
        "# Stages\n\nMade from the docstrings by `python -m pipeline.reference`; a test compares.\n"
    )
    return head + "".join(_long(name) for name in stages.TABLE)


def _long(name: str) -> str:
    cls = stages.stage(name)
    lines = [f"\n## {name}\n", f"`from seedbed import {cls.__name__}` · {check.summary(cls)}\n"]
    words = check.help_lines(cls)
    if words:
        lines += ["| parameter | type | default | meaning |", "|---|---|---|---|"]
    for field, (kind, about) in check.parameters(cls).items():
        cells = (f"`{field}`", check.type_name(kind), check.shown(about.default), words[field])
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    if cls.reasons:
        lines += ["", "| reason | meaning |", "|---|---|"]
        lines += [f"| `{reason}` | {meaning} |" for reason, meaning in cls.reasons.items()]
    if cls.cuts:
        lines += ["", "| cut, of text in records that stay | meaning |", "|---|---|"]
        lines += [f"| `{cut}` | {meaning} |" for cut, meaning in cls.cuts.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Rewrite docs/stages.md of the checkout."""
    home = Path(__file__).resolve().parent.parent
    (home / "docs" / "stages.md").write_text(reference(), encoding="utf-8")


if __name__ == "__main__":
    main()
