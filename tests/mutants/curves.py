"""Curves: logs, findings, pictures, and the panels that show numbers to people."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

_BORDERS, _FINDINGS, _READ, _PICTURE, _VALIDATION, _TRAINING, _NOISE, _FINDING = (
    f"stages/curves/{name}.py"
    for name in (
        "borders", "findings", "read", "picture", "validation", "training", "noise", "finding",
    )
)  # fmt: skip
_LINES, _FILES, _EPOCHS, _COLUMNS, _PRINTED, _EVENTS, _REFUSALS = (
    f"stages/curves/{name}.py"
    for name in ("lines", "files", "epochs", "columns", "printed", "tfevents", "refusals")
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
    # --- what came with more readers
    Mutant(
        _BORDERS,
        "(good & ~out).astype(float)",
        "good.astype(float)",
        "a spike before a border is taken for a step at it",
        _of("findings", "test_a_spike_before_a_border_is_no_step"),
    ),
    Mutant(
        _NOISE,
        "if level[line] - base <= healed:",
        "if level[line] - base > healed:",
        "the lines in which a spike heals count as the level",
        _of("findings", "test_a_spike_before_a_border_is_no_step"),
    ),
    Mutant(
        _BORDERS,
        "RAMPS = (5, 10, 20)",
        "RAMPS = ()",
        "a fall that spreads over lines after a border is not looked for",
        _of("findings", "test_a_fall_that_spreads_over_lines_is_a_step"),
    ),
    Mutant(
        _BORDERS,
        "1 - ALARMS / len(found)",
        "1 - ALARMS",
        "the more borders a run has the more false alarms it gives",
        _of("findings", "test_many_borders_need_more"),
    ),
    Mutant(
        _VALIDATION,
        "if late > SETTLED and late > 2 * error:",
        "if late > 10 * SETTLED and late > 2 * error:",
        "a validation that still falls is called a good fit",
        _of("findings", "test_a_run_that_still_learns_is_no_good_fit_yet"),
    ),
    Mutant(
        _VALIDATION,
        "return _outlier(values, turn)",
        "return None",
        "validations that swing hide that all lie over the first",
        _of("findings", "test_validations_that_swing_above_the_first_are_overfit"),
    ),
    Mutant(
        _FINDINGS,
        "if not small and not any(",
        "if not any(",
        "a good fit is told of a validation that is too noisy to tell",
        _of("findings", "test_a_noisy_validation_is_too_small_to_tell"),
    ),
    Mutant(
        _TRAINING,
        "often = broken.sum() >= TAIL and broken.mean() >= 0.3",
        "often = broken.sum() >= 1",
        "a single line without a loss is divergence",
        _of("findings", "test_a_tail_without_losses_is_divergence"),
    ),
    Mutant(
        _TRAINING,
        "(end - smooth[lowest] > 0.2).mean() < 0.9",
        "(end - smooth[lowest] > 0.2).mean() < 0.0",
        "a rise that does not last is divergence",
        _of("findings", "test_a_rise_in_half_of_the_last_lines_is_no_divergence"),
    ),
    Mutant(
        _LINES,
        "if count[at] <= count[0]:",
        "if count[at] < 0:",
        "a second run in one file is merged into the first",
        _of("log_forms", "test_a_second_run_may_begin_where_the_first_began"),
    ),
    Mutant(
        _LINES,
        "at += line.loss is not None",
        "at += 1",
        "validations count as lines of training",
        _of("log_forms", "test_lines_without_a_step_are_called_lines"),
    ),
    Mutant(
        _LINES,
        "return float(np.median(within)) <= SAME",
        "return float(np.median(within)) >= SAME",
        "two runs in one file are taken for one, and one for two",
        _of("log_forms", "test_workers_of_several_runs_are_refused_and_of_one_run_are_not"),
    ),
    Mutant(
        _PRINTED,
        "if any(a == b for a, b in pairwise(steps))",
        "if False",
        "a bar that stands still gives several lines one step",
        _of("log_forms", "test_a_bar_that_stands_still_is_no_step"),
    ),
    Mutant(
        _EVENTS,
        "found.sort(key=lambda one: one[0])",
        "found.sort(key=lambda one: one[1])",
        "event files are put together by their names",
        _of("log_forms", "test_a_resume_of_event_files_is_merged_by_time"),
    ),
    Mutant(
        _REFUSALS,
        "len(PAIRED & names) >= 2",
        "len(PAIRED & names) >= 3",
        "preference training is read as a cross-entropy",
        _of("log_forms", "test_preference_training_is_refused_whatever_its_loss"),
    ),
    Mutant(
        _COLUMNS,
        'match["a"] in NO_SET',
        'match["a"] in ()',
        "an auxiliary loss is taken for a validation set",
        _of("log_forms", "test_parts_of_a_loss_are_no_validation_set"),
    ),
    Mutant(
        "stages/curves/repeats.py",
        "excess = rows[:, 3] - rows[:, 1] - learned",
        "excess = rows[:, 3] - rows[:, 1]",
        "what all records learn is told as memorised",
        _of("findings", "test_what_is_memorised_is_measured_on_the_records_themselves"),
    ),
    Mutant(
        _BORDERS,
        "curve = _paired(log) or _curve(whole, good)",
        "curve = _curve(whole, good)",
        "losses before training are recorded for nothing",
        _of("findings", "test_losses_before_training_make_a_short_step_plain"),
    ),
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
        "z /= max(1.0, noise.mad(placebos))",
        "z *= max(1.0, noise.mad(placebos))",
        "where other places vary much a step counts more",
        PLACEBO,
    ),
    Mutant(
        _BORDERS,
        "places = places[np.abs(places - other) >= min(window, lines / 3)]",
        "places = places[places != other]",
        "lines beside the borders are among the placebos",
        PLACEBO,
    ),
    Mutant(
        _BORDERS,
        "z < -limit and t < -limit and rare",
        "z < -limit and t < -limit",
        "a drop at a border is a step though others are as large",
        _of("findings", "test_larger_drops_inside_epochs_are_no_epoch_steps"),
    ),
    Mutant(
        _BORDERS,
        "np.clip(places / ramp, 0.0, 1.0)",
        "np.clip(-places / ramp, 0.0, 1.0)",
        "a fall is told as a rise",
        FITTED,
    ),
    Mutant(
        _BORDERS,
        "np.stack([np.ones(len(places)), places / window, rise]",
        "np.stack([np.ones(len(places)), (places / window) ** 2, rise]",
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
        "np.maximum(inverse[:, 2, 2], 1e-12)",
        "np.maximum(inverse[:, 0, 0], 1e-12)",
        "the error of a jump is that of the level",
        FITTED,
    ),
    Mutant(
        _EPOCHS,
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
        _VALIDATION,
        "    later = after[len(after) // 2 :]\n",
        "    later = after\n",
        "the rise of validation is averaged from its turn on",
        OVERFIT,
    ),
    Mutant(
        _VALIDATION,
        "share = turn.rise / lowest",
        "share = turn.rise",
        "a rise in nats is told as a percentage",
        OVERFIT,
    ),
    Mutant(
        _VALIDATION,
        "turn = int(np.argmin(values))",
        "turn = int(np.argmax(np.diff(values) > 0))",
        "the first wobble of validation is its turn",
        _of("findings", "test_the_turn_is_the_lowest_value_not_the_first_wobble"),
    ),
    Mutant(
        _VALIDATION,
        "return max(mad(np.diff(values, 2)) / math.sqrt(6), 1e-9)",
        "return max(mad(np.diff(values)), 1e-9)",
        "the rise itself is taken for the noise of validation",
        OVERFIT,
    ),
    Mutant(
        _TRAINING,
        "slope = float((places * half).sum() / (places**2).sum())",
        "slope = float((places * half).sum() / np.abs(places).sum())",
        "the slope of the second half is divided by the wrong sum",
        PLATEAU,
    ),
    Mutant(
        _TRAINING,
        "half = level[len(level) // 2 :]",
        "half = level[: len(level) // 2]",
        "the first half is taken for the second",
        PLATEAU,
    ),
    Mutant(
        _VALIDATION,
        "over = float(values[-1] / values.min() - 1)",
        "over = float(values[-1] / values[0] - 1)",
        "the end of validation is compared with its begin",
        GOOD,
    ),
    Mutant(
        _TRAINING,
        "    if 2 * error >= UNSURE:\n",
        "    if error >= UNSURE * 100:\n",
        "a noisy log is said not to learn",
        _of("findings", "test_a_noisy_log_does_not_tell_whether_the_loss_falls"),
    ),
    Mutant(
        _FINDING,
        'return f"{100 * share:.0f} %" if abs(share) >= 0.1',
        'return f"{share:.0f} %" if abs(share) >= 0.1',
        "shares of ten per cent and more are told a hundred times too small",
        OVERFIT,
    ),
    Mutant(
        _TRAINING,
        "return float(np.median(first) - np.median(last)), error",
        "return float(np.median(last) - np.median(first)), error",
        "a run that learns is told as one that does not",
        GOOD,
    ),
    Mutant(
        _TRAINING,
        "if has_period(peaks):",
        "if not has_period(peaks):",
        "spikes are told where they have a period, and only there",
        _of("findings", "test_spikes_are_named_by_step_unless_they_have_a_period"),
    ),
    # --- logs
    Mutant(
        _LINES,
        "if line.row >= row or (not again and _count(line, found.x) < count)",
        "if line.row < row or _count(line, found.x) > _count(train[at - 1], found.x)",
        "after a resume the lines of the run that was given up count",
        _of("read", "test_steps_logged_twice_after_a_resume_count_once"),
    ),
    Mutant(
        _FILES,
        "numbered[max(numbered)]",
        "numbered[max(numbered, key=str)]",
        "checkpoint-5 is taken for later than checkpoint-100",
        _of("read", "test_the_folder_of_a_run_is_searched"),
    ),
    Mutant(
        _LINES,
        "longest = max(parts, key=len)",
        "longest = parts[-1]",
        "of several validation series the last is used",
        _of("read", "test_a_second_validation_series_is_split_off"),
    ),
    Mutant(
        _EPOCHS,
        "rebuilt = steps * last_epoch / last_step",
        "rebuilt = steps * last_epoch / len(steps)",
        "epochs are rebuilt from the number of lines, not of steps",
        _of("read", "test_rounded_epochs_are_rebuilt"),
    ),
    Mutant(
        _READ,
        'if split == "val":',
        'if split == "validation":',
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
        'counts[name] = counts.get(name, 0) + one["counts"]',
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
