"""Curves: logs, findings, pictures, and the panels that show numbers to people."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

_BORDERS, _FINDINGS, _READ, _PICTURE = (
    f"stages/curves/{name}.py" for name in ("borders", "findings", "read", "picture")
)
_CURVE, _HISTOGRAM, _AXES, _BAND = (
    f"stages/charts/{name}.py" for name in ("curve", "histogram", "axes", "band")
)
_TRAINED, _COUNTED = "stages/train/panels.py", "stages/tokens/panels.py"
_FIGURES, _FLOW = "pipeline/views/figures.py", "pipeline/views/report/flow.py"


def _of(module: str, name: str) -> tuple[str, ...]:
    return (f"tests/curves/test_{module}.py::{name}",)


PLACED = _of("findings", "test_an_epoch_step_is_placed_and_measured")
FITTED = _of("findings", "test_a_jump_is_fitted_by_least_squares_without_its_line")
PLACEBO = _of("findings", "test_a_border_is_scored_against_all_other_places")
OVERFIT = _of("findings", "test_overfit_has_its_turn")
PLATEAU = _of("findings", "test_a_plateau_is_a_flat_second_half")
GOOD = _of("findings", "test_a_good_fit_is_told_with_its_reason")
DRAWN = _of("charts", "test_losses_are_read_back_from_the_picture")
BARS = _of("charts", "test_bars_are_as_high_as_their_counts")
BAND = _of("charts", "test_the_band_is_as_wide_as_the_records")
SHOWN = ("tests/train/test_training_panels.py",)
TOKENS = ("tests/tokens/test_token_panels.py",)
VIEWS = ("tests/pipeline/test_views.py",)

MUTANTS = (
    # --- borders of epochs
    Mutant(
        _BORDERS,
        "z = t - (float(np.median(placebos)) if len(placebos) else 0.0)",
        "z = t",
        "what a curved trend does at all places is taken for a step",
        PLACEBO,
    ),
    Mutant(
        _BORDERS,
        "z /= max(1.0, 1.4826 * float(",
        "z *= max(1.0, 1.4826 * float(",
        "where other places vary much a step counts more",
        PLACEBO,
    ),
    Mutant(
        _BORDERS,
        "places = places[np.abs(places - other) >= away]",
        "places = places[places != other]",
        "lines beside the borders are among the placebos",
        PLACEBO,
    ),
    Mutant(
        _BORDERS,
        "z < -LIMIT and t < -LIMIT and rare",
        "z < -LIMIT and t < -LIMIT",
        "a drop at a border is a step though others are as large",
        _of("findings", "test_larger_drops_inside_epochs_are_no_epoch_steps"),
    ),
    Mutant(
        _BORDERS,
        "(places > 0).astype(float)",
        "(places < 0).astype(float)",
        "a fall is told as a rise",
        FITTED,
    ),
    Mutant(
        _BORDERS,
        "np.stack([np.ones_like(places), places, (",
        "np.stack([np.ones_like(places), places**2, (",
        "the trend around a border is taken for a step",
        FITTED,
    ),
    Mutant(
        _BORDERS,
        "np.arange(1, window + 1)]",
        "np.arange(0, window)]",
        "the line in which an epoch ends counts, with its short last batch",
        FITTED,
    ),
    Mutant(
        _BORDERS,
        "math.sqrt(inverse[2, 2])",
        "math.sqrt(inverse[0, 0])",
        "the error of a jump is that of the level",
        FITTED,
    ),
    Mutant(
        _BORDERS,
        "range(1, math.floor(last + slack) + 1)",
        "range(1, math.floor(last + slack))",
        "the last border of a run that ends inside an epoch is not tested",
        _of("findings", "test_the_last_border_of_a_begun_epoch_is_tested"),
    ),
    Mutant(
        _BORDERS,
        "<= own:\n            return None",
        "<= own:\n            return joint",
        "all borders together count though a shifted grid scores as low",
        _of("findings", "test_falls_between_borders_are_no_steps_together"),
    ),
    # --- findings
    Mutant(
        _FINDINGS,
        "low, high = (border.jump - 2 * border.error, border.jump + 2 * border.error)",
        "low, high = (border.jump - border.error, border.jump + border.error)",
        "the interval of a step is half as wide",
        PLACED,
    ),
    Mutant(
        _FINDINGS,
        "fall = 1 - math.exp(border.jump)",
        "fall = math.exp(border.jump)",
        "what is left of the loss is told as its fall",
        PLACED,
    ),
    Mutant(
        _FINDINGS,
        "    later = after[len(after) // 2 :]\n",
        "    later = after\n",
        "the rise of validation is averaged from its turn on",
        OVERFIT,
    ),
    Mutant(
        _FINDINGS,
        ", rise / values[turn])]",
        ", rise)]",
        "a rise in nats is told as a percentage",
        OVERFIT,
    ),
    Mutant(
        _FINDINGS,
        "turn = int(np.argmin(values))",
        "turn = int(np.argmax(np.diff(values) > 0))",
        "the first wobble of validation is its turn",
        _of("findings", "test_the_turn_is_the_lowest_value_not_the_first_wobble"),
    ),
    Mutant(
        _FINDINGS,
        "noise = max(_mad(np.diff(values, 2)) / math.sqrt(6), 1e-9)",
        "noise = max(_mad(np.diff(values)), 1e-9)",
        "the rise itself is taken for the noise of validation",
        OVERFIT,
    ),
    Mutant(
        _FINDINGS,
        "slope = float((places * half).sum() / (places**2).sum())",
        "slope = float((places * half).sum() / np.abs(places).sum())",
        "the slope of the second half is divided by the wrong sum",
        PLATEAU,
    ),
    Mutant(
        _FINDINGS,
        "half = level[len(level) // 2 :]",
        "half = level[: len(level) // 2]",
        "the first half is taken for the second",
        PLATEAU,
    ),
    Mutant(
        _FINDINGS,
        "over = float(values[-1] / values.min() - 1)",
        "over = float(values[-1] / values[0] - 1)",
        "the end of validation is compared with its begin",
        GOOD,
    ),
    Mutant(
        _FINDINGS,
        "    if 2 * error >= UNSURE:\n",
        "    if error >= UNSURE * 100:\n",
        "a noisy log is said not to learn",
        _of("findings", "test_a_noisy_log_does_not_tell_whether_the_loss_falls"),
    ),
    Mutant(
        _FINDINGS,
        'return f"{100 * share:.0f} %" if abs(share) >= 0.1',
        'return f"{share:.0f} %" if abs(share) >= 0.1',
        "shares of ten per cent and more are told a hundred times too small",
        OVERFIT,
    ),
    Mutant(
        _FINDINGS,
        "fall = float(np.median(first) - np.median(last))\n    noise",
        "fall = float(np.median(last) - np.median(first))\n    noise",
        "a run that learns is told as one that does not",
        GOOD,
    ),
    Mutant(
        _FINDINGS,
        "if _has_period(peaks):",
        "if not _has_period(peaks):",
        "spikes are told where they have a period, and only there",
        _of("findings", "test_spikes_are_named_by_step_unless_they_have_a_period"),
    ),
    # --- logs
    Mutant(
        _READ,
        "{float(step): number for number, step in enumerate(series.steps)}",
        "{float(s): len(series) - 1 - n for n, s in enumerate(series.steps[::-1])}",
        "of a step that is logged twice the first value counts",
        _of("read", "test_steps_logged_twice_after_a_resume_count_once"),
    ),
    Mutant(
        _READ,
        "numbered[max(numbered)]",
        "numbered[max(numbered, key=str)]",
        "checkpoint-5 is taken for later than checkpoint-100",
        _of("read", "test_the_folder_of_a_run_is_searched"),
    ),
    Mutant(
        _READ,
        "max(pairwise(cuts), key=lambda cut: cut[1] - cut[0])",
        "list(pairwise(cuts))[-1]",
        "of several validation series the last is used",
        _of("read", "test_a_second_validation_series_is_split_off"),
    ),
    Mutant(
        _READ,
        "rebuilt = steps * last_epoch / last_step",
        "rebuilt = steps * last_epoch / len(steps)",
        "epochs are rebuilt from the number of lines, not of steps",
        _of("read", "test_rounded_epochs_are_rebuilt"),
    ),
    Mutant(
        _READ,
        'if row.get("split") == "val":',
        'if row.get("split") == "validation":',
        "our own validation losses are read as training losses",
        _of("read", "test_validation_is_kept_apart"),
    ),
    # --- pictures
    Mutant(
        _PICTURE,
        'f"epoch {epoch + 1}"',
        'f"epoch {epoch}"',
        "the mark of an epoch names the one before",
        _of("charts", "test_a_log_is_drawn_with_its_epochs_and_its_end"),
    ),
    Mutant(
        _PICTURE,
        "np.linspace(0, len(series) - 1, MOST).astype(int)",
        "np.arange(MOST)",
        "of a long log only the begin is drawn",
        _of("charts", "test_a_log_is_drawn_with_its_epochs_and_its_end"),
    ),
    Mutant(
        _PICTURE,
        "loss if math.isfinite(loss) else None",
        "loss if math.isfinite(loss) else 0.0",
        "a loss that is no number is kept as zero",
        _of("charts", "test_a_loss_that_is_no_number_is_a_gap"),
    ),
    Mutant(
        _CURVE,
        "Axis(low, high, self.bottom, TOP, logarithmic)",
        "Axis(low, high, TOP, self.bottom, logarithmic)",
        "the curve stands on its head",
        _of("charts", "test_a_higher_loss_stands_higher"),
    ),
    Mutant(
        _CURVE,
        "middle = [step for step, _ in good][width // 2 :]",
        "middle = [step for step, _ in good][width:]",
        "the running mean lags behind",
        _of("charts", "test_the_running_mean_lies_on_a_straight_line"),
    ),
    Mutant(
        _CURVE,
        'yield words(self.left - 7, y + 4, f"{value:g}", "s", "end")',
        'yield words(self.left - 7, y + 4, f"{value:.0f}", "s", "end")',
        "labels of the loss are rounded to whole nats",
        DRAWN,
    ),
    Mutant(
        _CURVE,
        'f"step {step:,.0f}: {loss:.3f}"',
        'f"step {step:,.0f}: {math.exp(loss):.3f}"',
        "the perplexity is told as the loss",
        DRAWN,
    ),
    Mutant(
        _AXES,
        "low, high = math.log(low), math.log(high)",
        "low, high = low, high",
        "a logarithmic axis has linear ends",
        _of("charts", "test_labels_of_an_axis_are_round_and_within"),
    ),
    Mutant(
        _AXES,
        "first = math.ceil(low / step)",
        "first = math.floor(low / step)",
        "an axis has a label before its begin",
        _of("charts", "test_labels_of_an_axis_are_round_and_within"),
    ),
    Mutant(
        _HISTOGRAM,
        "tall = count / most * (base - 22)",
        "tall = count / sum(data.counts) * (base - 22)",
        "bars are as high as their share, the scale is the largest count",
        BARS,
    ),
    Mutant(
        _HISTOGRAM,
        "np.histogram(np.maximum(array, low), edges)",
        "np.histogram(array[::2], edges)",
        "half the values are counted",
        BARS,
    ),
    Mutant(
        _HISTOGRAM,
        "for share in (50, 90)",
        "for share in (50, 95)",
        "the ninety per cent are ninety-five",
        BARS,
    ),
    Mutant(
        _BAND,
        "(x, x + long, (top, top + before), (top, top + after))",
        "(x, x + long, (top, top + before), (top, top + before))",
        "the band does not narrow where records leave",
        BAND,
    ),
    Mutant(
        _BAND,
        "step.dropped + step.failed\n        if out:\n            thick = max(",
        "step.dropped\n        if out:\n            thick = max(",
        "what failed is not among what left",
        BAND,
    ),
    Mutant(
        "stages/charts/records.py",
        "counts[name] = counts.get(name, 0) + 1",
        "counts[name] = 1",
        "every source has one record",
        _of("charts", "test_a_corpus_is_shown_with_its_sources_and_lengths"),
    ),
    # --- panels
    Mutant(
        _TRAINED,
        "({last - first:+.3f})",
        "({first - last:+.3f})",
        "a fall of the validation loss is told as a rise",
        SHOWN,
    ),
    Mutant(
        _TRAINED,
        'if row["split"] == side and row["loss"] is not None',
        'if row["loss"] is not None',
        "both curves of a training hold all losses",
        SHOWN,
    ),
    Mutant(
        _TRAINED,
        "percent(used, used + unused)",
        "percent(used, unused)",
        "the share that training used is one of the rest",
        SHOWN,
    ),
    Mutant(
        _TRAINED,
        'enumerate(summary["epoch_borders"], 2)',
        'enumerate(summary["epoch_borders"], 1)',
        "the second epoch of a training is called the first",
        SHOWN,
    ),
    Mutant(
        _TRAINED,
        "    if used < FEW * (used + unused):\n",
        "    if used < FEW * unused * FEW:\n",
        "a training on little of the corpus is not warned of",
        SHOWN,
    ),
    Mutant(
        _COUNTED,
        "trained += pc.sum(masks).as_py() or 0",
        "trained += len(masks)",
        "every token is counted as in the loss",
        TOKENS,
    ),
    Mutant(
        _COUNTED,
        "({percent(trained, total)}) enter the loss",
        "({percent(trained, len(lengths))}) enter the loss",
        "the share in the loss is one of the records",
        TOKENS,
    ),
    Mutant(
        _FIGURES,
        'return step["counts"]["text"]["kept"] + step["counts"]["text"]["added"]',
        'return step["counts"]["text"]["kept"]',
        "characters that a stage wrote are not in the text",
        VIEWS,
    ),
    Mutant(
        _FIGURES,
        'sum(step["counts"]["seen"] for step in reads(account))',
        'sum(step["counts"]["seen"] for step in steps)',
        "what came in is counted at every step",
        VIEWS,
    ),
    Mutant(
        _FIGURES,
        'sum(step["counts"]["made"] - step["counts"]["kept"] for step in steps)',
        'sum(step["counts"]["kept"] - step["counts"]["made"] for step in steps)',
        "records that were made besides are told as missing",
        VIEWS,
    ),
    Mutant(
        _FIGURES,
        '{step["source"]: step for step in counted(account) if step["source"]}',
        '{step["source"]: step for step in counted(account)[::-1] if step["source"]}',
        "the first step of a source is taken for its last",
        VIEWS,
    ),
    Mutant(
        _FLOW,
        'Step(label, counts["seen"], counts["made"], counts["dropped"]',
        'Step(label, counts["seen"], counts["seen"], counts["dropped"]',
        "the drawing of the flow tells what came as what was made",
        VIEWS,
    ),
    Mutant(
        "pipeline/views/report/flow.html",
        "100 * step.counts[key] / (step.counts.seen or 1)",
        "100 * step.counts[key] / (step.counts.made or 1)",
        "shares of a step are shares of what it made",
        VIEWS,
    ),
    Mutant(
        "pipeline/views/report/left.py",
        'count / (text["seen"] or 1)',
        'count / (text["kept"] or 1)',
        "the share of the text that left is one of what stayed",
        VIEWS,
    ),
    Mutant(
        "pipeline/views/report/times.html",
        "100 * seconds / most",
        "50 * seconds / most",
        "the longest step has half a bar",
        VIEWS,
    ),
    Mutant(
        "pipeline/views/summary.py",
        'sorted(counts["reasons"].items(), key=lambda item: -item[1])',
        'sorted(counts["reasons"].items(), key=lambda item: item[1])',
        "the rarest reason of a stage is told first",
        VIEWS,
    ),
    Mutant(
        "pipeline/engine/runner.py",
        'understood = form_lines(report.counts["forms"]) if report.counts else []',
        "understood: list[str] = []",
        "a run does not say how a source was understood",
        ("tests/pipeline/test_understood.py::test_plan_run_report_and_manifest_say_it_alike",),
    ),
)
