"""Each finding on a curve that was made to have it, and silence on curves that have none."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from stages.curves.borders import Curve, _fits, as_normal, epoch_steps
from stages.curves.finding import sentence
from stages.curves.findings import KINDS, findings
from stages.curves.log import Log, Series
from stages.curves.read import read_log
from stages.curves.validation import good_fit
from tests.cases.diagnose import curve, own_lines, write_lines


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
    assert found["well_fit"]["statistic"] == 0.0
    assert "underfit" not in kinds(log_of(curve(), 40))  # nor where only training tells
    over = kinds(log_of(curve(), 40, [*SETTLED[:-1], 1.524]))["well_fit"]
    assert over["statistic"] == pytest.approx(1.524 / 1.517 - 1, abs=1e-5)
    assert "ends 0.5 % over its lowest value" in over["words"]


def test_an_epoch_step_is_placed_and_measured() -> None:
    log = log_of(curve(step=0.3), 40, SETTLED)
    steps = [finding for finding in findings(log) if finding["kind"] == "epoch_step"]
    assert [finding["step"] for finding in steps] == [40, 80]
    for finding in steps:
        low, high = finding["interval"]
        assert low < -0.3 < high < 0 and finding["statistic"] < -3
        assert finding["fall"] == pytest.approx(1 - math.exp(-0.3), abs=0.08)
        assert f"epoch {finding['epoch'] + 1} begins" in finding["words"]
    for finding, border in zip(steps, epoch_steps(log).tested, strict=True):
        ends = [border.jump - 2 * border.error, border.jump + 2 * border.error]
        assert finding["interval"] == pytest.approx(ends, abs=1e-5)
        assert f"falls by {100 * finding['fall']:.0f} %" in finding["words"]


def test_a_jump_is_fitted_by_least_squares_without_its_line() -> None:
    rng = np.random.default_rng(2)
    values = 3 - 0.02 * np.arange(200) + rng.normal(0, 0.05, 200)
    values[100:] -= 0.4
    values[100] += 5.0  # the line itself tells nothing
    jumps, errors = _fits(Curve(values, np.ones(200)), np.array([100, 60]), 30)
    for center, jump, error in zip((100, 60), jumps, errors, strict=True):
        x = np.concatenate([np.arange(-30, 0), np.arange(1, 31)]).astype(float)
        design = np.stack([np.ones(60), x, np.where(x > 0, 1.0, 0.0)], axis=1)
        solved, rest, *_ = np.linalg.lstsq(design, values[center + x.astype(int)], rcond=None)
        assert jump == pytest.approx(solved[2], abs=1e-9)
        spread = math.sqrt(rest[0] / 57 * np.linalg.inv(design.T @ design)[2, 2])
        assert error == pytest.approx(spread, rel=0.1)
    assert -0.5 < jumps[0] < -0.3 and abs(jumps[1]) < 0.1


def test_a_border_is_scored_against_all_other_places() -> None:
    """On a curve that bends, every place has a jump: only what a border has beyond it counts."""
    lines = np.arange(240) / 240
    level = 2 - lines + 0.8 * lines**3 + 0.1 * np.sin(lines * 60)
    level += np.random.default_rng(4).normal(0, 0.004, 240)
    log = log_of(level - 0.05 * (np.arange(240) // 60), 60)
    border = epoch_steps(log).tested[1]
    assert (border.step, border.epoch) == (120, 2)
    values, here = np.log(log.train.values), 29  # half an epoch of 60 lines, without its line
    places = np.arange(int(0.02 * 240) + here, 240 - here)
    for other in (59, 119, 179):
        places = places[np.abs(places - other) >= 20]
    places_and_it = np.concatenate([[119], places])
    jumps, errors = _fits(Curve(values, np.ones(240)), places_and_it, here)
    scores = as_normal(jumps / errors, 2 * here - 3)
    middle = np.median(scores[1:])
    spread = 1.4826 * np.median(np.abs(scores[1:] - middle))
    assert len(places) >= 30 and abs(middle) > 0.1 and spread > 1.2
    assert border.jump == pytest.approx(jumps[0])
    assert border.score == pytest.approx((scores[0] - middle) / spread, rel=1e-6)


def test_larger_drops_inside_epochs_are_no_epoch_steps() -> None:
    """A fall at a border far beyond the noise is none where others are as far beyond it."""
    level = curve(per=1000, passes=3, step=0.08)
    log = log_of(level, 1000)
    assert all(border.found for border in epoch_steps(log).tested)
    level -= 0.5 * ((np.arange(3000) + 500) // 1000)
    result = epoch_steps(log_of(level, 1000))
    assert all(border.score < -4 and not border.found for border in result.tested)


def test_the_last_border_of_a_begun_epoch_is_tested() -> None:
    log = log_of(curve(step=0.3)[:100], 40)
    assert [border.step for border in epoch_steps(log).tested] == [40, 80]


def test_falls_between_borders_are_no_steps_together() -> None:
    """Falls in the middle of epochs, a little deeper, say that those at borders are none."""
    for seed in range(6):
        level = curve(per=60, passes=16, step=0.08, seed=seed)
        level -= 0.1 * ((np.arange(960) + 30) // 60)
        result = epoch_steps(log_of(level, 60))
        assert sum(border.score for border in result.tested) / math.sqrt(15) < -3
        assert result.pooled is None and not any(border.found for border in result.tested)


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
    rise = (1.66 + 1.75 + 1.83) / 3 - 1.5  # of the later half over the lowest
    assert finding["rise"] == pytest.approx(rise / 1.5, abs=1e-5)
    low, high = finding["interval"]
    assert 0 < low < rise < high < 2 * rise and (low + high) / 2 == pytest.approx(rise, abs=1e-5)
    assert "rises by 16 % after step 45" in finding["words"]


def test_the_turn_is_the_lowest_value_not_the_first_wobble() -> None:
    val = [2.0, 1.8, 1.81, 1.6, 1.5, 1.49, 1.56, 1.66, 1.78, 1.9, 2.02]
    assert kinds(log_of(curve(), 40, val))["overfit"]["step"] == 60


def test_overfit_before_the_first_evaluation_says_to_evaluate_earlier() -> None:
    finding = kinds(log_of(curve(), 40, [1.5, 1.7, 1.9, 2.2]))["overfit"]
    assert finding["step"] == 0 and "evaluate earlier" in finding["remedy"]


def test_few_validation_values_need_a_large_rise() -> None:
    assert "overfit" not in kinds(log_of(curve(), 40, [1.7, 1.6, 1.62, 1.65]))
    assert "overfit" in kinds(log_of(curve(), 40, [1.7, 1.6, 1.7, 1.85]))


def test_underfit_is_a_flat_curve() -> None:
    found = kinds(log_of(curve(fall=0.0, noise=0.01), 40, [2.0] * 5))
    assert set(found) == {"underfit", "no_update"}
    assert "learning rate" in found["underfit"]["remedy"]


def test_a_plateau_is_a_flat_second_half() -> None:
    level = curve(noise=0.01, fall=0.0)
    level[:40] += np.linspace(0.5, 0, 40)
    finding = kinds(log_of(level, 120, SETTLED))["plateau"]
    assert abs(finding["statistic"]) < 0.02
    # The bend that was made is at step 40.
    assert abs(finding["step"] - 40) <= 2
    first, last = finding["elbow"]
    assert first <= 41 and last >= 39 and last - first < 12
    slope = np.polyfit(np.linspace(0, 1, 60), level[60:], 1)[0]
    assert finding["statistic"] == pytest.approx(slope, abs=1e-5)
    assert sum(finding["interval"]) / 2 == pytest.approx(slope, abs=1e-5)


def test_a_noisy_log_does_not_tell_whether_the_loss_falls() -> None:
    found = findings(log_of(curve(per=20, passes=1, fall=0.0, noise=0.4), 20, [2.0] * 5))
    assert "underfit" in [one["about"] for one in found if one["kind"] == "cannot_tell"]
    assert "underfit" not in [one["kind"] for one in found]


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
    assert "there is no validation loss" in about["overfit"]


def test_one_pass_has_no_border() -> None:
    found = kinds(log_of(curve(), 120, SETTLED))
    assert "one pass" in found["cannot_tell"]["words"]


def test_a_run_that_still_learns_is_no_good_fit_yet() -> None:
    found = kinds(log_of(curve(), 40, [2.0, 1.9, 1.8, 1.7, 1.6, 1.5, 1.4]))
    assert set(found) == {"train_on"} and "Train on" in found["train_on"]["remedy"]
    # By a straight line through the last three of the evaluations in ln.
    late = found["train_on"]["late"]
    assert late == pytest.approx(math.log(1.6 / 1.4), abs=1e-3)
    assert f"by {100 * late:.0f} % in the last third" in found["train_on"]["words"]


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


# --- spikes, ramps, many borders -----------------------------------------------------------------


def test_a_spike_before_a_border_is_no_step() -> None:
    """Its lines and those in which it heals say nothing of the level."""
    for seed in range(8):
        level = curve(per=40, passes=3, seed=seed, fall=0.1)
        level[31:39] += [1.5, 1.4, 1.2, 1.0, 0.8, 0.7, 0.6, 0.5]
        found = kinds(log_of(level, 40))
        assert "spikes" in found and "epoch_step" not in found, seed


def test_a_fall_that_spreads_over_lines_is_a_step() -> None:
    """Half of its lines lie on the way, so that a sharp step fits badly."""
    level = curve(per=100, passes=2, noise=0.03, fall=0.05, seed=3)
    level[100:] -= 0.16 * np.minimum(np.arange(1, 101) / 20, 1)
    (border,) = epoch_steps(log_of(level, 100)).tested
    assert border.found and border.ramp > 1
    assert border.jump == pytest.approx(-0.16, abs=0.07)
    words = kinds(log_of(level, 100))["epoch_step"]["words"]
    assert f"over {border.ramp} lines" in words


def test_many_borders_need_more() -> None:
    """What passes at one border of two does not at one of sixty."""
    few = curve(per=40, passes=3, noise=0.05, fall=0.1, seed=11)
    few[80:] -= 0.09
    many = np.concatenate([few, *[few[80:] for _ in range(57)]])
    scores = {border.epoch: border for border in epoch_steps(log_of(few, 40)).tested}
    assert scores[2].found and scores[2].score > -3.3
    after = epoch_steps(log_of(many, 40)).tested
    assert after[1].score < -3.05 and not any(border.found for border in after)


# --- what is none --------------------------------------------------------------------------------


def test_a_tail_without_losses_is_divergence() -> None:
    level = curve()
    level[-4:] = math.nan
    assert kinds(log_of(level, 40))["divergence"]["step"] == 117
    level = curve()
    level[50] = math.nan
    assert "divergence" not in kinds(log_of(level, 40))


def test_a_rise_in_half_of_the_last_lines_is_no_divergence() -> None:
    level = curve(noise=0.02)
    level[-6:] += 1.0
    assert "divergence" not in kinds(log_of(level, 40))


def test_a_noisy_validation_is_too_small_to_tell() -> None:
    random = np.random.default_rng(1)
    val = [1.6 * math.exp(random.normal(0, 0.12)) for _ in range(12)]
    found = kinds(log_of(curve(), 40, [2.0, *val]))
    assert "small_validation" in found and not {"well_fit", "overfit", "train_on"} & set(found)
    assert "0.01 %" in found["small_validation"]["remedy"]
    random = np.random.default_rng(0)  # a level that alone would be called a good fit
    val = [(1.6 + 0.4 * math.exp(-n / 2)) * math.exp(random.normal(0, 0.05)) for n in range(12)]
    log = log_of(curve(), 40, [2.0, *val])
    assert [one["kind"] for one in good_fit(log)] == ["well_fit"]
    assert "small_validation" in kinds(log) and "well_fit" not in kinds(log)


def test_validations_that_swing_above_the_first_are_overfit() -> None:
    """Second differences of a swing are three times as large as the swing."""
    swing = [0.9, *([1.12, 1.04] * 8)]
    finding = kinds(log_of(curve(), 40, swing))["overfit"]
    assert finding["step"] == 0 and "later values" in finding["test"]
    assert "overfit" not in kinds(log_of(curve(), 40, [1.05, *([1.12, 1.04] * 8)]))


def test_four_evaluations_are_needed() -> None:
    found = findings(log_of(curve(), 40, [2.0, 1.5, 2.5]))
    assert [one["about"] for one in found if one["kind"] == "cannot_tell"] == ["overfit"]


# --- learning rates, sums, vocabularies ----------------------------------------------------------


def test_a_loss_that_first_rises_has_a_rate_too_high() -> None:
    level = curve()
    level[:30] += 0.8 * np.sin(np.linspace(0, np.pi, 30))
    finding = kinds(log_of(level, 40))["rate_too_high"]
    assert 10 <= finding["step"] <= 20 and finding["statistic"] == pytest.approx(0.75, abs=0.15)
    assert "rate_too_high" not in kinds(log_of(curve(), 40))


def test_a_fall_that_does_not_slow_has_a_rate_too_low() -> None:
    level = 1 - np.arange(240) / 1600 + np.random.default_rng(0).normal(0, 0.01, 240)
    finding = kinds(log_of(level, 80))["rate_too_low"]
    low, high = finding["interval"]
    assert low < 1 < high and finding["statistic"] == pytest.approx(1, abs=0.15)
    assert "rate_too_low" not in kinds(log_of(level, 240))  # in one pass it is no fault
    assert "rate_too_low" not in kinds(log_of(curve(per=80), 80))
    turned = kinds(log_of(level, 80, [2.0, 1.7, 1.55, 1.5, 1.52, 1.58, 1.66, 1.75, 1.83]))
    assert "overfit" in turned and "rate_too_low" not in turned


@pytest.mark.parametrize("sign", ["rate", "norm", "val"])
def test_no_update_has_its_signs(sign: str) -> None:
    log = log_of(curve(fall=0.0, noise=0.12, per=400, passes=1), 400, [2.0, 2.1, 2.0, 2.1])
    assert "no_update" not in kinds(log)
    still = Series(log.train.steps, np.zeros(len(log.train)), log.train.epochs)
    if sign == "val":
        log.val.values[:] = 2.1
    else:
        setattr(log, sign, still)
    assert "no_update" in kinds(log)


def test_summed_losses_are_noticed() -> None:
    log = log_of(curve() + math.log(8), 40, [2.0, 1.7, 1.6, 1.55, 1.5])
    found = kinds(log)
    assert found["summed_loss"]["times"] == 8 and "val_below_train" not in found
    huge = kinds(log_of(curve() + math.log(40), 40))["summed_loss"]
    assert huge["times"] is None and huge["statistic"] > 1.2


def test_a_loss_of_ln_v_is_a_collapse() -> None:
    level = curve()
    level[60:] = np.log(math.log(5000)) + np.random.default_rng(0).normal(0, 0.002, 60)
    log = log_of(level, 40)
    assert "collapse" not in kinds(log)
    log.vocabulary = 5000
    assert abs(kinds(log)["collapse"]["statistic"]) < 0.01
    log.vocabulary = 6000
    assert "collapse" not in kinds(log)


def test_validation_below_training_has_its_causes() -> None:
    val = [float(np.exp(0.7 - 0.3 * at**0.5 - 0.15)) for at in np.linspace(0.05, 1, 9)]
    found = kinds(log_of(curve(), 40, val))
    low, high = found["val_below_train"]["interval"]
    assert low < -0.15 < high and "dropout" in found["val_below_train"]["words"]
    over = [value * 1.2 for value in val]
    assert "val_below_train" not in kinds(log_of(curve(), 40, over))


def test_the_gap_has_a_band() -> None:
    found = kinds(log_of(curve(), 40, SETTLED))["well_fit"]
    train = float(np.exp(np.median(np.log(log_of(curve(), 40).train.values[-12:]))))
    assert found["gap"] == pytest.approx(1.516 - train, abs=1e-5)
    low, high = found["gap_interval"]
    assert low < found["gap"] < high and high - low < 0.25


def test_the_nearest_checkpoint_is_named() -> None:
    log = log_of(curve(), 40, [2.0, 1.7, 1.55, 1.5, 1.52, 1.58, 1.66, 1.75, 1.83])
    log.checkpoints = (20, 40, 60, 80)
    finding = kinds(log)["overfit"]
    assert finding["checkpoint"] == 40 and finding["stop"] == [45, 60]
    assert "checkpoint is that of step 40" in sentence(finding)  # type: ignore[arg-type]
    log.x = "line"
    assert kinds(log)["overfit"]["checkpoint"] is None


def test_every_finding_has_a_test_an_interval_and_a_remedy() -> None:
    """But for those that are about nothing that was measured, and good news."""
    level = curve(step=0.3, passes=5)
    level[63] += 1.2
    rising = [2.0, 1.7, 1.55, 1.5, 1.52, 1.58, 1.66, 1.75, 1.83]
    swing = curve()
    swing[80:] += 1.0
    for log in (log_of(level, 40, rising), log_of(swing, 40), log_of(curve(), 40, SETTLED)):
        for one in findings(log):
            if one["kind"] == "cannot_tell":
                continue
            assert one["test"] and one["interval"] is not None, one
            assert one["remedy"] or one["kind"] == "well_fit"


# --- what our own training records ---------------------------------------------------------------


def test_losses_before_training_make_a_short_step_plain() -> None:
    """Batches differ in difficulty by far more than the step; less the base they do not."""
    random = np.random.default_rng(2)
    hard = random.normal(0, 0.25, 75)
    level = 0.9 - 0.1 * np.arange(75) / 75 + hard
    level[25:] -= 0.12
    log = log_of(level, 25)
    assert not any(border.found for border in epoch_steps(log).tested)
    base = np.exp(0.9 + hard)
    less = np.exp(level) - base + random.normal(0, 0.01, 75)
    log.excess = Series(log.train.steps, less, log.train.epochs)
    (first, _) = epoch_steps(log).tested
    assert first.found and first.jump == pytest.approx(-0.12, abs=0.06)


def repeated(folder: Path, gain: float) -> Log:
    """Forty records in three epochs of forty steps: all learn alike, and once more seen fall by
    `gain` beyond that. Validation learns what all learn."""
    random = np.random.default_rng(1)
    rows = []
    for record in range(40):
        hard = random.normal(2.5, 0.8)
        for visit in range(3):
            step = 40 * visit + int(random.integers(1, 41))
            loss = hard - 0.004 * step - gain * visit + random.normal(0, 0.05)
            rows.append((step, record, loss))
    rows.sort()
    table = {name: [row[at] for row in rows] for at, name in enumerate(("step", "record", "loss"))}
    (folder / "recorded").mkdir(parents=True)
    with pa.ipc.new_file(folder / "recorded" / "visits.arrow", pa.table(table).schema) as writer:
        writer.write_table(pa.table(table))
    lines = own_lines(curve(noise=0.2), 40, {s: 2.6 - 0.004 * s for s in range(0, 121, 20)})
    write_lines(folder / "curve.jsonl", lines)
    return read_log(folder)


def test_what_is_memorised_is_measured_on_the_records_themselves(tmp_path: Path) -> None:
    log = repeated(tmp_path / "a", 0.2)
    assert [rows.shape for rows in log.repeats] == [(40, 4), (40, 4)]
    finding = kinds(log)["memorised"]
    low, high = finding["interval"]
    assert low < -0.2 < high and finding["statistic"] == pytest.approx(-0.2, abs=0.04)
    assert finding["epoch"] in (1, 2) and "40 records" in finding["words"]
    assert "memorised" not in kinds(repeated(tmp_path / "b", 0.0))


def test_validation_in_the_first_fifth_does_not_count_for_what_lies_below() -> None:
    val = [float(np.exp(0.7 - 0.3 * at**0.5 - 0.15)) for at in np.linspace(0.05, 1, 9)]
    val[:2] = [value * 4 for value in val[:2]]
    assert "val_below_train" in kinds(log_of(curve(), 40, val))


def test_a_training_that_does_not_fall_is_no_good_fit() -> None:
    (found,) = good_fit(log_of(curve(fall=0.0, noise=0.01), 40, SETTLED))
    assert found["kind"] == "cannot_tell" and found["about"] == "well_fit"
    (found,) = good_fit(log_of(curve(), 40, SETTLED))
    assert found["kind"] == "well_fit"
