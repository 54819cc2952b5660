"""`seedbed completion`: the shells' own completion gives verbs, stages and options."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import stages
from pipeline import verbs
from pipeline.verbs.completion import words_of
from tests.pipeline.world import seedbed


def _completed(script: str, *words: str) -> list[str]:
    """What bash offers for the last of some words."""
    line = " ".join(f"'{word}'" for word in words)
    ask = f"COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _seedbed; echo ${{COMPREPLY[@]}}"
    done = subprocess.run(
        ["bash", "-c", f"{script}\n{ask}"], capture_output=True, text=True, check=True, timeout=20
    )
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_verbs_stages_and_their_options(tmp_path: Path) -> None:
    script = seedbed("completion", "bash", cwd=tmp_path).stdout
    assert _completed(script, "seedbed", "ini") == ["init"]
    assert _completed(script, "seedbed", "ded") == ["dedup"]
    assert _completed(script, "seedbed", "dedup", "x", "--thr") == ["--threshold"]
    assert _completed(script, "seedbed", "check", "--v") == ["--val"]
    assert _completed(script, "seedbed", "check", "a.js") == [], "files are the shell's own"
    zsh = seedbed("completion", "zsh", cwd=tmp_path).stdout
    assert script in zsh and "bashcompinit" in zsh


def test_fish_has_all_words(tmp_path: Path) -> None:
    script = seedbed("completion", "fish", cwd=tmp_path).stdout
    assert "complete -c seedbed -n '__fish_seen_subcommand_from dedup' -l threshold" in script
    assert "init" in script.splitlines()[1].split()


def test_every_word_is_completed() -> None:
    words = words_of()
    assert words.keys() == {*verbs.names(), *stages.TABLE}
    assert all("--help" in its for its in words.values())
