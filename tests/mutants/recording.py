"""What a training records of itself, and what it says and does while it goes on."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

_TRAINING, _STEP = "stages/train/training.py", "stages/train/step.py"
_RECORDED, _RECORDER = "stages/train/recorded.py", "stages/train/recorder.py"
_MEASURE, _LIVE, _LOSS = (f"stages/train/{name}.py" for name in ("measure", "live", "loss"))
_RETENTION, _SPELLING = "stages/train/retention.py", "stages/train/spelling.py"


def _recorded(name: str) -> tuple[str, ...]:
    return (f"tests/train/test_recorded.py::test_{name}",)


def _live(name: str) -> tuple[str, ...]:
    return (f"tests/train/test_live.py::test_{name}",)


def _stopped(where: str) -> tuple[str, ...]:
    name = f"test_stopped_anywhere_it_goes_on_with_the_same_bits[{where}-adamw_torch]"
    return (f"tests/train/test_resume.py::{name}",)


PROBE = _recorded("probe_losses_are_those_of_each_token")
VISITS = _recorded("visits_are_the_losses_of_the_records_of_each_step")
BASE = _recorded("base_losses_and_what_is_over_them")
FIGURES = _recorded("accuracy_confidence_entropy_and_bits_of_validation")
RETENTION = _recorded("retention_is_measured_on_other_text")
GROUPS = _recorded("losses_by_source_cluster_and_group")
WORST = _recorded("the_worst_records_come_first_and_short_ones_are_drawn_to_the_mean")
SHARE = _recorded("what_is_measured_costs_the_share_that_it_may")
PIECES = _recorded("pieces_of_tokens_join_to_the_text_whatever_tokens_cut")
CERTAIN = _live("a_finding_is_certain_when_two_looks_in_a_row_have_it")
BEST = _live("a_run_that_overfits_ends_and_leaves_its_best_weights")
BROKEN = _live("a_loss_that_is_no_number_ends_a_run_with_its_best_weights_or_as_a_failure")

MUTANTS = (
    # --- what is measured when
    Mutant(
        "stages/train/course.py",
        "or done & (done - 1) == 0",
        "or done == 1",
        "the probe is not looked at after 4, 8, 16 … steps",
        SHARE,
    ),
    Mutant(
        _MEASURE,
        "setting.measure * passes * work",
        "setting.measure * work",
        "measuring takes a third of what it may",
        SHARE,
    ),
    Mutant(
        _MEASURE,
        "allowed / course.points",
        "allowed",
        "the probe takes its share at each look",
        SHARE,
    ),
    Mutant(
        _MEASURE,
        "_within(side, most / 2,",
        "_within(side, most,",
        "each side of the probe has all its tokens",
        PROBE,
    ),
    Mutant(
        _MEASURE,
        "made: Array = documents.lengths + head * documents.targets",
        "made: Array = documents.lengths",
        "logits cost nothing",
        SHARE,
    ),
    # --- the losses of records
    Mutant(
        _STEP,
        "begins = np.cumsum([0, *self._targets[here][:-1]])",
        "begins = np.arange(len(self._targets[here]))",
        "a record's loss is that of other records' tokens",
        BASE,
    ),
    Mutant(
        _STEP,
        "return self.numbers, sums / self._targets",
        "return self.numbers, sums",
        "a record's loss is the sum over its tokens",
        VISITS,
    ),
    Mutant(
        _TRAINING,
        "(losses - base)[known]",
        "losses[known]",
        "the excess is the loss itself",
        BASE,
    ),
    Mutant(
        _TRAINING,
        "self.base[self.measured.base] = sums[0] / chosen.targets",
        "self.base[self.measured.base] = sums[0]",
        "a base loss is a sum",
        BASE,
    ),
    Mutant(
        _LOSS,
        "right = (likeliest == wanted).float()",
        "right = (likeliest != wanted).float()",
        "accuracy is the share of errors",
        FIGURES,
    ),
    Mutant(
        _LOSS,
        "(greatest - whole).exp(), entropy",
        "(-_losses(some, wanted)).exp(), entropy",
        "confidence is the probability of the right token",
        FIGURES,
    ),
    Mutant(
        _LOSS,
        "entropy = whole - (",
        "entropy = greatest - (",
        "entropy leaves out the normalisation",
        FIGURES,
    ),
    Mutant(
        _TRAINING,
        "/ math.log(2) / size",
        "/ size",
        "bits are nats",
        FIGURES,
    ),
    Mutant(
        _SPELLING,
        "self._bytes[number] = 0",
        "pass",
        "control tokens count as text",
        PIECES,
    ),
    Mutant(
        _SPELLING,
        "made[-1] += rest",
        "pass",
        "half a character at the end is lost",
        PIECES,
    ),
    Mutant(
        _RETENTION,
        "for paragraph in paragraphs])",
        "for paragraph in paragraphs[:0]])",
        "the retention text is empty",
        RETENTION,
    ),
    # --- the tables
    Mutant(
        _RECORDED,
        'first[rows["record"][::-1]] = rows["loss"][::-1]',
        'first[rows["record"]] = rows["loss"]',
        "the first loss of a record is its last",
        ("tests/train/test_train.py::test_validation_losses_are_those_of_each_record_alone",),
    ),
    Mutant(
        _RECORDED,
        "first = np.cumsum(counts, dtype=np.int64) - counts",
        "first = np.cumsum(counts, dtype=np.int64)",
        "each record of the probe has the curves of the next",
        PROBE,
    ),
    Mutant(
        _RECORDED,
        "weights = targets[rows",
        "weights = np.ones_like(targets)[rows",
        "a group's loss is a mean over records",
        GROUPS,
    ),
    Mutant(
        _RECORDED,
        "kept = np.flatnonzero(records > 1)",
        "kept = np.flatnonzero(records > 0)",
        "every record is a group of its own",
        GROUPS,
    ),
    Mutant(
        _RECORDED,
        "here = (steps == step) & (codes >= 0)",
        "here = steps == step",
        "records without a cluster are of the first one",
        GROUPS,
    ),
    Mutant(
        _RECORDED,
        "(last * targets + PRIOR * mean) / (targets + PRIOR)",
        "last",
        "two odd tokens outrank a page",
        WORST,
    ),
    # --- a stop in between
    Mutant(
        _RECORDER,
        "truncate(sizes.get(name, 0))",
        "truncate()",
        "what a stopped run had written behind its checkpoint stays",
        ("tests/train/test_resume.py::test_killed_in_a_save[3]",),
    ),
    Mutant(
        _TRAINING,
        "if self.state.based and self.recorder is not None:",
        "if False:",
        "base losses are forgotten by a run that goes on",
        _stopped("in epoch 2"),
    ),
    # --- findings meanwhile
    Mutant(
        _LIVE,
        "if name in state.seen and name not in state.told",
        "if name not in state.told",
        "a finding counts at first sight",
        CERTAIN,
    ),
    Mutant(
        _LIVE,
        "if name in state.seen and name not in state.told",
        "if name in state.seen",
        "a finding is told at every look",
        CERTAIN,
    ),
    Mutant(
        _LIVE,
        'if one["kind"] in EARLY',
        "if True",
        "a good fit is told in mid-run",
        CERTAIN,
    ),
    Mutant(
        _TRAINING,
        'stopped and stopped["kind"] in ("overfit", "divergence")',
        "False",
        "a run that overfits leaves its last weights",
        BEST,
    ),
    Mutant(
        _TRAINING,
        'if "divergence" not in self.setting.stop_on or self.state.best is None:',
        "if self.state.best is None:",
        "a loss that is no number never fails a run",
        BROKEN,
    ),
    # --- what plan tells of it
    Mutant(
        "stages/train/forecast.py",
        "rest = records % size_",
        "rest = records % each",
        "what would be left over is reckoned by steps, not by batches",
        (
            "tests/train/test_estimate.py::test_what_does_not_fill_a_batch_is_told_and_is_what_training_does",
        ),
    ),
    Mutant(
        "stages/train/rules.py",
        "return weights, cache, weights + cache + estimate.RUNTIME",
        "return weights, cache, weights + cache",
        "asking a model takes no CUDA",
        (
            "tests/train/test_estimate.py::test_asking_a_model_takes_its_weights_its_keys_and_the_runtime",
        ),
    ),
    # --- what of it leaves the machine, and what of it has times
    Mutant(
        "pipeline/hub.py",
        "not in kind.own]",
        "not in ()]",
        "text of the corpus is sent beside an adapter",
        ("tests/pipeline/test_push.py::test_what_is_the_users_own_stays_at_home",),
    ),
    Mutant(
        "pipeline/progress.py",
        "now - self._noted >= _NOTED",
        "now - self._noted >= 0",
        "each step of a training is an event, however short",
        ("tests/pipeline/test_progress.py::test_steps_of_an_end_stage_are_events_now_and_then",),
    ),
)
