"""The figures of a run that ending and report share: what came in, what left, what is there."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.engine.account import Account, CountedStep, is_counted


@dataclass(frozen=True)
class Totals:
    """seen: items that the sources saw. more: records above one an item or record, where several
    were made of it. dropped, failed: records that left anywhere. kept: records at the end.
    seen + more = kept + dropped + failed."""

    seen: int
    more: int
    dropped: int
    failed: int
    kept: int


def counted(account: Account) -> list[CountedStep]:
    """The steps that work on records."""
    return [step for step in account["steps"] if is_counted(step)]


def ends_of_sources(account: Account) -> list[CountedStep]:
    """The last step of each source before all are one."""
    return list({step["source"]: step for step in counted(account) if step["source"]}.values())


def common(account: Account) -> list[CountedStep]:
    """The steps on the records of all sources."""
    return [step for step in counted(account) if not step["source"]]


def reads(account: Account) -> list[CountedStep]:
    """The first step of each source, which reads it."""
    first: dict[str, CountedStep] = {}
    for step in counted(account):
        if step["source"]:
            first.setdefault(step["source"], step)
    return list(first.values())


def text_read(account: Account) -> int:
    """Characters that the sources saw."""
    return sum(step["counts"]["text"]["seen"] for step in reads(account))


def text_kept(account: Account) -> int:
    """Characters of the records at the end."""
    ends = common(account)[-1:] or ends_of_sources(account)
    return sum(text_made(step) for step in ends)


def text_made(step: CountedStep) -> int:
    """Characters of the records after a step."""
    return step["counts"]["text"]["kept"] + step["counts"]["text"]["added"]


def text_removed(step: CountedStep) -> int:
    """Characters that left at a step, with whole records and from records that stayed."""
    return sum(step["counts"]["text"]["removed"].values())


def totals(account: Account) -> Totals:
    """The figures of a whole run, or of what a failed one came to."""
    steps = counted(account)
    ends = common(account)[-1:] or ends_of_sources(account)
    return Totals(
        seen=sum(step["counts"]["seen"] for step in reads(account)),
        more=sum(step["counts"]["made"] - step["counts"]["kept"] for step in steps),
        dropped=sum(step["counts"]["dropped"] for step in steps),
        failed=sum(step["counts"]["failed"] for step in steps),
        kept=sum(step["counts"]["made"] for step in ends),
    )
