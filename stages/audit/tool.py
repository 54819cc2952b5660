"""`seedbed check DATA`: what of training data would be lost, altered or wasted, and where."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stages.audit.finding import Finding

ABOUT = "find what of a file of training data would be lost, altered or wasted, with line numbers"
_LENGTH = 2048  # tokens
FOUND = 3  # the exit code where anything but notes was found


def options(parser: argparse.ArgumentParser) -> None:
    """What the verb takes."""
    parser.description = (
        f"{ABOUT}. Reads what axolotl, TRL, LLaMA-Factory and OpenAI read, and all else that "
        "seedbed reads; needs no torch. Exit code 0: nothing was found but notes; 3: there are "
        "findings."
    )
    parser.add_argument("data", type=Path, help="the file, or a folder of files")
    parser.add_argument("--val", type=Path, help="the validation file: what both have is a leak")
    about = "a model whose template and tokenizer say what would be learned: smollm2, a folder …"
    parser.add_argument("--model", help=about)
    about = "with a model: tokens that a record may have; default: 2048"
    parser.add_argument("--max-length", type=int, help=about)
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")


@dataclass
class Checked:
    """What was read, how it was understood, and the findings, the gravest first."""

    records: int = 0
    items: int = 0
    read_by: list[str] = field(default_factory=list)
    forms: list[str] = field(default_factory=list)
    targets: int | None = None
    findings: list[Finding] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing was found but notes."""
        return all(finding.grade == "note" for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "items": self.items,
            "records": self.records,
            "read_by": self.read_by,
            "forms": self.forms,
            "targets": self.targets,
            "findings": [finding.as_json() for finding in self.findings],
        }

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"{self.records:,} records of {self.items:,} items, read by {', '.join(self.read_by)}"
        yield from (f"  {form}" for form in self.forms)
        if self.targets is not None:
            yield f"  {self.targets:,} tokens would be learned"
        yield ""
        for finding in self.findings:
            yield from finding.lines()
        if not self.findings:
            yield "nothing was found"
        elif self.clean:
            yield "nothing was found but notes"


def act(given: argparse.Namespace) -> int:
    """Check, and say what was found."""
    from stages.child import fork_from_here
    from stages.json_lines import for_programs

    fork_from_here()
    found = checked(given.data, given.val, given.model, _length(given.max_length, given.model))
    if given.json:
        print(for_programs(found.as_json()))
    else:
        print("\n".join(found.lines()))
    return 0 if found.clean else FOUND


def _length(asked: int | None, model: str | None) -> int:
    from stages.errors import UsageError

    if asked is None:
        return _LENGTH
    if model is None:
        raise UsageError("--max-length counts tokens, which needs --model as well")
    if asked < 1:
        raise UsageError(f"--max-length must be at least 1, not {asked}")
    return asked


def checked(
    data: Path, val: Path | None = None, model: str | None = None, max_length: int = _LENGTH
) -> Checked:
    """Check a file or folder. UsageError for what is not there or nothing reads."""
    from stages.audit import alike, masks, reading, texts, values
    from stages.audit.finding import Findings
    from stages.errors import UsageError

    if val is not None and not val.is_file():
        raise UsageError(f"{val}: not found" if not val.exists() else f"{val}: give one file")
    findings = Findings()
    read = reading.read(data, findings)
    for reader, file in read.files:
        if reader == "jsonl":
            values.of_json(file, findings)
        elif reader == "csv":
            values.of_csv(file, findings)
    rows = read.records.to_pylist()
    texts.of_records(rows, findings)
    alike.answers(rows, findings)
    alike.duplicates(read.records, findings)
    alike.refusals(read.records, findings)
    if val is not None:
        alike.leaks(read.records, val, findings)
    found = Checked(read.records.num_rows, read.counts.seen, [*dict.fromkeys(read.stages)])
    found.forms = read.about()
    if model is not None:
        found.targets = masks.of_model(read.records, model, max_length, findings)
    found.findings = findings.all()
    return found
