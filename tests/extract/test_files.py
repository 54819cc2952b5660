"""Which files a source reads, under which names, and how they are bundled."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.errors import UsageError
from stages.extract.files import bundles, find


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name in ("b.html", "a/c.html", "a/d.HTML", "a/.hidden.html", ".git/x.html", "a/pic.png"):
        path = tmp_path / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def test_folder_dot_and_pattern_give_equal_names(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(site)
    (site / "site" / "a" / "d.HTML").rename(site / "site" / "a" / "d.html")
    wanted = (site / "site", ["a/c.html", "a/d.html", "b.html"], [])
    for path in ("site", "./site/", "site/**/*.html", str(site / "site"), str(site / "site") + "/"):
        assert find(path, (".html",)) == wanted, path


def test_endings_are_read_in_any_case_and_hidden_files_are_left_out(site: Path) -> None:
    assert find(str(site / "site"), (".html",))[1] == ["a/c.html", "a/d.HTML", "b.html"]
    assert find(str(site / "site" / "a" / ".hidden.html"), (".html",))[1] == [".hidden.html"]
    assert find(str(site / "site/a/*.png"), (".html",))[1] == ["pic.png"]


def test_a_name_with_signs_of_a_pattern_is_a_name(tmp_path: Path) -> None:
    (tmp_path / "a[1].csv").write_text("x")
    (tmp_path / "a1.csv").write_text("x")
    assert find(str(tmp_path / "a[1].csv"), ())[1] == ["a[1].csv"]


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("gone", "not found"),
        ("site/a/*.csv", "there are no files matching it"),
        ("empty", "there are no files ending in .html"),
    ],
)
def test_nothing_there_is_said_in_one_sentence(path: str, sentence: str, site: Path) -> None:
    (site / "empty").mkdir()
    with pytest.raises(UsageError, match=sentence):
        find(str(site / path), (".html",))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 50), max_size=40), st.integers(1, 200))
def test_bundles_hold_every_file_once_in_order(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], size: int
) -> None:
    root = tmp_path_factory.mktemp("bundles")
    names = [f"{number:03d}" for number in range(len(sizes))]
    for name, length in zip(names, sizes, strict=True):
        (root / name).write_bytes(b"x" * length)
    parts = bundles(root, names, size)
    assert [name for part in parts for name in part.files] == names
    for part in parts:
        held = [sizes[int(name)] for name in part.files]
        assert len(held) == 1 or sum(held) <= size


def test_one_file_more_moves_no_far_border(tmp_path: Path) -> None:
    names = [f"{number:05d}.html" for number in range(0, 4000, 2)]
    for name in names:
        (tmp_path / name).touch()
    before = {part.files for part in bundles(tmp_path, names, 1 << 20)}
    after = {part.files for part in bundles(tmp_path, sorted([*names, "00101.html"]), 1 << 20)}
    assert len(before) > 10 and len(before - after) == 1


def test_a_file_that_vanishes_is_no_error_before_it_is_read(tmp_path: Path) -> None:
    os.symlink(tmp_path / "gone", tmp_path / "link")
    assert bundles(tmp_path, ["link"], 10)[0].files == ("link",)
