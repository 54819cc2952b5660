"""Each finding on a curve that was made to have it, and silence on curves that have none."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from stages.curves.borders import as_normal, epoch_steps
from stages.curves.findings import KINDS, findings
from stages.curves.read import Log, Series
from tests.cases.diagnose import curve


def log_of(level: np.ndarray[Any, Any], per: int, val: list[float] | None = None) -> Log:
    """A log with a line a step; validation values evenly from step 0 to the end."""
    steps = np.arange(1, len(level) + 1, dtype=float)
    at = np.linspace(0, len(level), len(val)).round() if val else np.zeros(0)
    values = np.array(val or [], dtype=float)
    return Log(Series(steps, np.exp(level), steps / per), Series(at, values, at / per))


def kinds(log: Log) -> dict[str, dict[str, Any]]:
    return {finding["kind"]: finding for finding in findings(log)}


SETTLED = [2.0, 1.75, 1.63, 1.57, 1.54, 1.525, 1.52, 1.517, 1.516]


def test_a_good_fit_is_told_with_its_reason() -> None:
    found = kinds(log_of(curve(), 40, SETTLED))
    assert set(found) == {"well_fit"}
    assert "a good fit" in found["well_fit"]["words"]


def test_an_epoch_step_is_placed_and_measured() -> None:
    log = log_of(curve(step=0.3), 40, SETTLED)
    steps = [finding for finding in findings(log) if finding["kind"] == "epoch_step"]
    assert [finding["step"] for finding in steps] == [40, 80]
    for finding in steps:
        low, high = finding["interval"]
        assert low < -0.3 < high < 0 and finding["statistic"] < -3
        assert finding["fall"] == pytest.approx(1 - math.exp(-0.3), abs=0.08)
        assert f"epoch {finding['epoch'] + 1} begins" in finding["words"]


def test_weak_steps_are_found_together() -> None:
    found = 0
    for seed in range(6):
        result = epoch_steps(log_of(curve(per=60, passes=10, step=0.055, seed=seed), 60))
        alone = [border for border in result.tested if border.found]
        found += result.pooled is not None or bool(alone)
    assert found >= 4


def test_a_drop_inside_an_epoch_is_no_epoch_step() -> None:
    level = curve()
    level[60:] -= 0.3
    assert "epoch_step" not in kinds(log_of(level, 40, SETTLED))


def test_overfit_has_its_turn() -> None:
    val = [2.0, 1.7, 1.55, 1.5, 1.52, 1.58, 1.66, 1.75, 1.83]
    finding = kinds(log_of(curve(), 40, val))["overfit"]
    assert finding["step"] == 45 and finding["statistic"] > 3
    assert 0.05 < finding["rise"] < 0.25 and finding["interval"][0] > 0


def test_overfit_before_the_first_evaluation_says_to_evaluate_earlier() -> None:
    finding = kinds(log_of(curve(), 40, [1.5, 1.7, 1.9, 2.2]))["overfit"]
    assert finding["step"] == 0 and "evaluate earlier" in finding["words"]


def test_few_validation_values_need_a_large_rise() -> None:
    assert "overfit" not in kinds(log_of(curve(), 40, [1.7, 1.6, 1.62, 1.65]))
    assert "overfit" in kinds(log_of(curve(), 40, [1.7, 1.6, 1.7, 1.85]))


def test_underfit_is_a_flat_curve() -> None:
    found = kinds(log_of(curve(fall=0.0, noise=0.01), 40, [2.0] * 5))
    assert set(found) == {"underfit"} and "learning rate" in found["underfit"]["words"]


def test_a_plateau_is_a_flat_second_half() -> None:
    level = curve(noise=0.01, fall=0.0)
    level[:40] += np.linspace(0.5, 0, 40)
    finding = kinds(log_of(level, 120, SETTLED))["plateau"]
    assert abs(finding["statistic"]) < 0.02 and finding["step"] == 61


@pytest.mark.parametrize("broken", [0.0, math.nan, math.inf])
def test_an_overflow_is_divergence_from_its_first_line(broken: float) -> None:
    log = log_of(curve(), 40)
    log.train.values[70:] = broken
    found = kinds(log)
    assert found["divergence"]["step"] == 71 and "epoch_step" not in found


def test_a_lasting_rise_is_divergence() -> None:
    level = curve()
    level[80:] += np.minimum(np.arange(40) / 5, 1) * 1.2
    finding = kinds(log_of(level, 40, SETTLED))["divergence"]
    assert 78 <= finding["step"] <= 90 and finding["statistic"] > 0.8


def test_spikes_are_named_by_step_unless_they_have_a_period() -> None:
    level = curve(passes=5)
    level[[63, 141]] += 1.1
    assert kinds(log_of(level, 40))["spikes"]["steps"] == [64, 142]
    teeth = curve(passes=5)
    teeth[15::20] += 0.6
    assert "spikes" not in kinds(log_of(teeth, 40))


def test_a_short_last_batch_is_no_spike_and_no_step() -> None:
    level = curve(passes=4)
    level[39::40] += 0.7
    assert set(kinds(log_of(level, 40, SETTLED))) == {"well_fit"}


def test_noise_gives_no_alarm() -> None:
    alarms = 0
    for seed in range(60):
        noise = 0.01 * 1.06**seed
        level = curve(per=25 + seed, passes=2 + seed % 3, noise=noise, seed=seed)
        random = np.random.default_rng(seed)
        val = [value * math.exp(random.normal(0, 0.004)) for value in SETTLED]
        found = kinds(log_of(level, 25 + seed, val))
        alarms += bool(set(found) & {"epoch_step", "overfit", "divergence", "spikes", "underfit"})
    assert alarms <= 1


def test_a_short_run_says_what_cannot_be_told() -> None:
    found = [f for f in findings(log_of(curve(per=6, passes=2), 6)) if f["kind"] == "cannot_tell"]
    about = {finding["about"]: finding["words"] for finding in found}
    assert set(about) == {"epoch_step", "overfit"}
    assert "12 usable lines" in about["epoch_step"]
    assert "keep some records for validation" in about["overfit"]


def test_one_pass_has_no_border() -> None:
    found = kinds(log_of(curve(), 120, SETTLED))
    assert "one pass" in found["cannot_tell"]["words"]


def test_a_run_that_still_learns_is_no_good_fit_yet() -> None:
    found = kinds(log_of(curve(), 40, [2.0, 1.9, 1.8, 1.7, 1.6, 1.5, 1.4]))
    assert found["cannot_tell"]["about"] == "well_fit"
    assert "more steps may help" in found["cannot_tell"]["words"]


def test_nan_validation_is_named_as_broken() -> None:
    found = kinds(log_of(curve(), 40, [math.nan] * 8))
    assert "validation is broken" in found["cannot_tell"]["words"]


def test_findings_are_json_of_known_kinds() -> None:
    for level in (curve(step=0.4), np.full(60, -50.0), np.zeros(30), curve()[:2]):
        found = findings(log_of(level, 40, [2.0, math.nan, 1.5, 1.9]))
        assert found and all(finding["kind"] in KINDS for finding in found)
        json.loads(json.dumps(found, allow_nan=False))
        assert all(finding["words"] for finding in found)


def test_t_values_become_as_rare_normal_deviates() -> None:
    # Quantiles of Student's t at 0.00135 (three normal deviations) for 5, 11 and 120 degrees.
    for free, t in ((5, 5.507), (11, 3.850), (120, 3.071)):
        assert as_normal(np.array([t, -t]), free) == pytest.approx([3.0, -3.0], abs=0.06)
