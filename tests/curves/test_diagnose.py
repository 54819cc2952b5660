"""The stage writes findings that can be read and a picture that shows them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from stages import Diagnose
from stages.curves.finding import sentence
from tests.cases.diagnose import cases, curve, own_lines, trainer_state, write_lines

SVG = "{http://www.w3.org/2000/svg}"


def test_findings_and_picture_are_written(tmp_path: Path) -> None:
    case = cases(tmp_path)[0]
    summary = case.stage(case.path, tmp_path / "out")  # type: ignore[operator]
    assert summary["kinds"] == ["epoch_step", "well_fit"] and summary["findings"] == 3
    written = json.loads((tmp_path / "out" / "findings.json").read_text())
    assert [finding["step"] for finding in written["findings"]][:2] == [40, 80]
    assert summary["words"] == [sentence(finding) for finding in written["findings"]]
    root = ElementTree.parse(tmp_path / "out" / "curves.svg").getroot()
    classes = [element.get("class") for element in root.iter()]
    assert classes.count("epoch") == 2
    # One mark a step: the good fit is marked at the last evaluation.
    assert classes.count("finding") + classes.count("finding good") == 3
    assert classes.count("finding good") == 1
    texts = " ".join(element.text or "" for element in root.iter(f"{SVG}text"))
    assert "epoch 2" in texts and "epoch step" in texts and "validation loss" in texts


def test_the_picture_loads_nothing_and_escapes_every_text(tmp_path: Path) -> None:
    name = 'a"><script>alert(1)</script>&\u0007.json'.replace("/", "")
    rows = [{"step": n, "loss": 3 - n / 50, "epoch": n / 40} for n in range(1, 100)]
    path = trainer_state(tmp_path / name, rows)
    Diagnose()(path, tmp_path / "out")
    text = (tmp_path / "out" / "curves.svg").read_text()
    ElementTree.fromstring(text)
    assert "<script" not in text and "href" not in text and "url(" not in text


ODD_LOSSES: list[list[float]] = [
    [2.0, 2.0, 2.0],
    [0.0, 0.0, 0.0],
    [1e-9, 1e9, 5.0],
    [1e308, -1e308, 5.0],
    [5e-324, 1e308, 5.0],
    [1e308, 1e308],
    [],
]


@pytest.mark.parametrize("losses", ODD_LOSSES)
def test_odd_curves_are_drawn(tmp_path: Path, losses: list[float]) -> None:
    rows = [{"step": n, "loss": loss} for n, loss in enumerate(losses, start=1)]
    path = trainer_state(tmp_path / "trainer_state.json", rows)
    Diagnose()(path, tmp_path / "out")
    ElementTree.parse(tmp_path / "out" / "curves.svg")


def test_a_long_curve_is_thinned(tmp_path: Path) -> None:
    lines = own_lines(curve(per=20_000, passes=2), 20_000, {0: 2.0, 20_000: 1.8, 40_000: 1.7})
    write_lines(tmp_path / "curve.jsonl", lines)
    Diagnose()(tmp_path / "curve.jsonl", tmp_path / "out")
    assert (tmp_path / "out" / "curves.svg").stat().st_size < 200_000
