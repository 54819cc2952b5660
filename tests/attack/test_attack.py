"""A few attacks of every field, from the tables of `make attack`; the harness sees what wins."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.attack import FIELDS, chosen
from tests.attack.trial import Trial, World, batch, run

GOOD = (".jsonl", b'{"text": "good words"}\n', "good words")


@pytest.mark.parametrize("field", FIELDS)
def test_a_few_attacks_hold(field: str, tmp_path: Path) -> None:
    tried, lost = 0, []
    for trial in chosen(field, 1, True):
        result = run(trial, tmp_path)
        tried, lost = tried + result.tried, lost + list(result.lost)
    assert tried or field == "templates"  # which need an extra
    assert not lost


def test_what_wins_is_told_with_its_name(tmp_path: Path) -> None:
    def attack(world: World) -> None:
        world.secrets = ("hush",)
        world.write("a.jsonl", GOOD[1])
        world.call("jsonl", "a.jsonl", "-o", "out", codes={2}, cpu=0.001, memory=1 << 20)
        world.write("out/note", "hush")
        world.no_secrets("\x1b hush")
        world.kept("other words")

    ((name, told),) = run(Trial("a", attack), tmp_path).lost
    assert name == "a"
    for words in ("exit 0", "CPU-s", " MB, 1 allowed", "a secret is printed", "out/note", "lacks"):
        assert words in told


def test_a_file_that_changes_and_a_process_that_stays_are_seen(tmp_path: Path) -> None:
    """By a seedbed of another kind, which does both."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code/seedbed.py").write_text(
        "import subprocess\nopen('note', 'w').write('x')\nprint('\\x1b[2J Traceback')\n"
        "subprocess.Popen(['sleep', '60'])\n"
    )

    def attack(world: World) -> None:
        world.write("note", "mine")
        world.call("plan")

    ((_, told),) = run(Trial("b", attack), tmp_path / "w", tmp_path / "code").lost
    for words in ("files of others changed: ['note']", "control", "a traceback", "processes left"):
        assert words in told


def test_one_of_many_is_found(tmp_path: Path) -> None:
    """A file that no reader may lose, and one that the command itself cannot stand."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code/seedbed.py").write_text(
        "import os, runpy, sys\nif os.path.exists('in/bad.jsonl'): sys.exit(1)\n"
        f"sys.path.insert(0, {os.getcwd()!r})\n"
        "runpy.run_module('seedbed', run_name='__main__')\n"
    )
    files = {f"{name}.jsonl": b'{"text": "x"}\n' for name in ("a", "bad", "c")}
    files["hidden.txt"] = b"not read"
    result = run(batch("many", "jsonl", files, GOOD), tmp_path / "w", tmp_path / "code")
    assert result.tried == 4 and len(result.lost) == 2
    assert {name.rpartition(": ")[2] for name, _ in result.lost} == {"bad.jsonl", "hidden.txt"}


def test_the_time_of_a_process_that_nobody_waits_for_counts(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code/seedbed.py").write_text(
        "import os, time\nif not os.fork():\n    while time.process_time() < 0.5: pass\n"
    )

    def attack(world: World) -> None:
        world.call("plan", cpu=0.45)

    ((_, told),) = run(Trial("c", attack), tmp_path / "w", tmp_path / "code").lost
    assert "CPU-s" in told
