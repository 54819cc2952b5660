"""What an earlier run left in a run's folder: known by its account, set aside when it is no part
of the run that ended last, and asked when the steps that are now in the store were computed.

A folder that the earlier run showed is renamed into `earlier/`, where what is the same lies once.
One that holds anything of others, and one that a link leads to, stays where it is.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Sequence
from pathlib import Path

from pipeline.engine.account import Account, Once, StepReport, load_run, made_by
from stages import owned
from stages.errors import UsageError

ASIDE = "earlier"


class Earlier:
    """The run that a folder holds now. Make it before a new one begins."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.account: Account | None = None
        with contextlib.suppress(UsageError, OSError):
            self.account = load_run(folder)

    def shown(self) -> list[Path]:
        """The folders that it showed."""
        if not self.account:
            return []
        steps = [self.folder / step["folder"] for step in self.account["steps"] if step["folder"]]
        return [*made_by(self.account, self.folder).values(), *steps]

    def set_aside(self, ours: Collection[Path]) -> list[Path]:
        """Rename what it showed and the new run did not; returns where to. ours: the folders that
        the new run shows."""
        moved = []
        for path in self.shown():
            if path in ours or path.is_symlink() or not path.is_dir():
                continue
            with contextlib.suppress(owned.Foreign, OSError):
                names = owned.names_in(path)
                target = self._free(path.relative_to(self.folder))
                if os.path.lexists(target):
                    owned.remove(path, names)  # it lies there already
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                path.rename(target)
                moved.append(target)
        return moved

    def _free(self, name: Path) -> Path:
        """A name under `earlier` that nothing has, or a folder that shows the same."""
        path = self.folder / ASIDE / name
        number, wanted = 1, owned.manifest_of(self.folder / name)
        while os.path.lexists(path) and owned.manifest_of(path) != wanted:
            number += 1
            path = self.folder / ASIDE / name.with_name(f"{name.name}-{number}")
        return path

    def tell_times(self, reports: Sequence[StepReport]) -> None:
        """Give the steps that came from the store the times of their first computation, as far as
        the account of this folder knows them."""
        known = {
            (step["stage"], frozenset(step["keys"])): step
            for step in (self.account["steps"] if self.account else ())
        }
        for report in reports:
            step = known.get((report.stage, frozenset(report.keys)))
            if report.computed or step is None:
                continue
            first: Once = {
                "ended": step.get("ended", 0.0),
                "seconds": step["seconds"],
                "cpu": step["cpu"],
            }
            report.once = first if step["computed"] else step.get("once")
