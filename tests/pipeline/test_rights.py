"""What an ordinary user may do is enough; what the rights of files say, when they were changed."""

from __future__ import annotations

import ctypes
import os
import subprocess
from pathlib import Path

from tests.pipeline.world import COMMAND, environment, pages, recipe, seedbed

_DROP = 24  # PR_CAPBSET_DROP
_PAST_RIGHTS = (1, 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: with them root opens any file


def _as_others() -> None:
    """Rights of files count, for root as well."""
    for capability in _PAST_RIGHTS:
        ctypes.CDLL(None).prctl(_DROP, capability)


def ordinary(*words: str, cwd: Path, code: int = 0) -> str:
    """What the command says to a user to whom rights apply."""
    done = subprocess.run(
        [*COMMAND, *words],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=_as_others,
    )
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def test_a_run_does_not_open_what_it_has_written_for_writing(tmp_path: Path) -> None:
    (tmp_path / "locked").touch(0o444)
    write = subprocess.run(["sh", "-c", ": >> locked"], cwd=tmp_path, preexec_fn=_as_others)
    assert write.returncode, "these rights would not be noticed"
    pages(tmp_path / "in", range(6))
    recipe(tmp_path, "html: {path: in}", "[normalize, quality, dedup, split]")
    ordinary("run", "t.yaml", "--part-bytes", "2500", cwd=tmp_path)
    ordinary("run", "t.yaml", "--part-bytes", "2500", cwd=tmp_path)
    assert "compared" in ordinary("gc", "--verify", cwd=tmp_path)


def test_pieces_that_cannot_be_read_are_made_anew(tmp_path: Path) -> None:
    pages(tmp_path / "in", range(6))
    recipe(tmp_path, "html: {path: in}", "[normalize]")
    ordinary("run", "t.yaml", cwd=tmp_path)
    for path in (tmp_path / ".seedbed/objects").glob("??/*/*"):
        path.chmod(0)
    assert "run the same commands again" in ordinary("gc", "--verify", cwd=tmp_path, code=3)
    ordinary("run", "t.yaml", cwd=tmp_path)


def test_verify_names_what_stands_in_a_runs_folder_as_an_edit(tmp_path: Path) -> None:
    """A piece and a file of a run's folder are one file: one that was made writable and changed
    there is somebody's work, which a run leaves alone."""
    pages(tmp_path / "in", range(6))
    recipe(tmp_path, "html: {path: in}", "[normalize]")
    seedbed("run", "t.yaml", cwd=tmp_path)
    shown = tmp_path / "runs/t/corpus/data/00000.arrow"
    shown.chmod(0o644)
    with open(shown, "r+b") as file:
        file.seek(900)
        file.write(b"edited")
    said = seedbed("gc", "--verify", cwd=tmp_path, code=3).stderr
    assert "1 of them can be written to and stand in a run's folder too" in said
    assert "changed since" in seedbed("run", "t.yaml", cwd=tmp_path, code=2).stderr
    os.rename(tmp_path / "runs/t", tmp_path / "edited")
    seedbed("run", "t.yaml", cwd=tmp_path)
    assert "made anew" not in seedbed("gc", "--verify", cwd=tmp_path).stderr
