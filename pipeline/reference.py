"""The pages that are made from the stages themselves: README's list and docs/stages.md.

`python -m pipeline.reference` rewrites them; a test compares, so they cannot rot.
"""

from __future__ import annotations

from pathlib import Path

import stages
from stages import check

BEGIN, END = "<!-- stages: begin -->", "<!-- stages: end -->"


def readme_list() -> str:
    """Each stage in a few lines: what it does, its reasons and cuts, its parameters."""
    return "\n\n".join(_short(name) for name in stages.TABLE)


def _short(name: str) -> str:
    cls = stages.stage(name)
    reasons = ", ".join(f"`{reason}`" for reason in cls.reasons)
    names = ", ".join(
        f"`{field}` ({check.shown(about.default)})"
        for field, (_, about) in check.parameters(cls).items()
    )
    extra = f" Needs the extra `{cls.extra}`." if cls.extra else ""
    lines = [f"**{name}** · `{cls.__name__}` · {check.summary(cls).rstrip('.')}.{extra}  "]
    if reasons:
        lines.append(f"Reasons: {reasons}.  ")
    if cls.cuts:
        lines.append(f"Cuts: {', '.join(f'`{cut}`' for cut in cls.cuts)}.  ")
    lines.append(f"Parameters: {names}." if names else "No parameters.")
    return "\n".join(lines)


def reference() -> str:
    """docs/stages.md: every stage with all parameters, reasons and cuts."""
    head = (
        "# Stages\n\nMade from the docstrings by `python -m pipeline.reference`; a test compares.\n"
    )
    return head + "".join(_long(name) for name in stages.TABLE)


def _long(name: str) -> str:
    cls = stages.stage(name)
    lines = [f"\n## {name}\n", f"`from stages import {cls.__name__}` · {check.summary(cls)}\n"]
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


def with_list(readme: str) -> str:
    """A README with its list of stages brought up to date."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{readme_list()}\n\n{END}{after}"


def main() -> None:
    """Rewrite README.md and docs/stages.md of the checkout."""
    home = Path(__file__).resolve().parent.parent
    readme = home / "README.md"
    readme.write_text(with_list(readme.read_text(encoding="utf-8")), encoding="utf-8")
    (home / "docs" / "stages.md").write_text(reference(), encoding="utf-8")


if __name__ == "__main__":
    main()
