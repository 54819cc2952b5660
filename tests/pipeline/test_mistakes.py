"""What people do wrong is told in one message that says what, where and what helps."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline import cli, signals
from tests.pipeline import mistakes
from tests.pipeline.mistakes import MISTAKES, Mistake

pytestmark = pytest.mark.extras


def test_there_are_sixty_of_them() -> None:
    assert len({mistake.name for mistake in MISTAKES}) == len(MISTAKES) >= 60


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_is_told(
    mistake: Mistake,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(signals.signal, "signal", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    mistakes.folder(tmp_path)
    mistake.change(tmp_path)
    before = mistakes.contents(tmp_path)
    code = cli.command(mistake.call)
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("seedbed: ")]
    assert code == mistake.code, told
    assert [word for word in mistake.words if word not in "\n".join(told)] == [], told
    assert len(told) <= 2, "one message, or the few mistakes of a recipe"
    assert not re.search(r"Traceback|Error\(|bug of seedbed|File \"", "\n".join(told))
    assert mistakes.contents(tmp_path) == before, "nothing is changed or left behind"
