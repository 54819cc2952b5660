"""Around training: what it would take, what lies beside its result, what is made of it."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

_ESTIMATE, _SHAPE = "stages/train/estimate.py", "stages/train/shape.py"
_TRAINED, _GGUF = "stages/train/trained.py", "stages/train/gguf_file.py"
_BASES, _HANDOVER = "stages/train/bases.py", "stages/train/handover.py"
_ASKED, _CHOICES = "stages/train/asked.py", "stages/train/choices.py"
_VALIDATION, _BUNDLE = "stages/train/validation.py", "pipeline/engine/unbundle.py"
_FORECAST, _TARGETS = "stages/train/forecast.py", "stages/train/targets.py"

ESTIMATE = "tests/train/test_estimate.py::"
MERGE = "tests/train/test_merge.py::"
HANDOVER = "tests/train/test_handover.py::"
CHAT = "tests/train/test_talk.py::"
EVALUATE = "tests/train/test_evaluate.py::"
BUNDLE = "tests/pipeline/test_bundle.py::"

MUTANTS = (
    Mutant(
        _ESTIMATE,
        'adapters=0 if setup.method == "full" else 4 * own,',
        "adapters=0,",
        "the adapter's own weights take no memory",
        (f"{ESTIMATE}test_the_parts_of_an_adapters_memory_are_its_parameters",),
    ),
    Mutant(
        _ESTIMATE,
        "behind = (shape.layers - 1) % setup.checkpoint",
        "behind = 0",
        "layers that are done with are counted while another is made again",
        (f"{ESTIMATE}test_the_peak_of_a_step_is_what_torch_allocates",),
    ),
    Mutant(
        _ESTIMATE,
        "again = math.ceil(shape.layers / every) if every else 0",
        "again = shape.layers if every else 0",
        "every k-th layer made again counts as all of them",
        (f"{ESTIMATE}test_checkpointing_keeps_the_borders_of_its_layers",),
    ),
    Mutant(
        _ESTIMATE,
        'passes = 3 if setup.method == "full" else 2',
        "passes = 3",
        "frozen weights cost the operations of trained ones",
        (f"{ESTIMATE}test_frozen_weights_cost_two_thirds_and_checkpointing_half_more",),
    ),
    Mutant(
        _ESTIMATE,
        "for every in (0, *range(shape.layers, 0, -1)):",
        "for every in (0, *range(1, shape.layers + 1)):",
        "the most checkpointing is taken in place of the least",
        (f"{ESTIMATE}test_the_least_checkpointing_and_then_the_largest_row_is_found",),
    ),
    Mutant(
        _SHAPE,
        "rest += sizes.vocabulary * sizes.hidden * (1 if tied else 2)",
        "rest += sizes.vocabulary * sizes.hidden * 2",
        "a tied output layer is counted twice",
        (f"{ESTIMATE}test_parameters_by_formula_are_those_of_the_model[llama]",),
    ),
    Mutant(
        _FORECAST,
        "return each, min(total, train.max_steps or total)",
        "return each, total",
        "max_steps is forgotten by the forecast",
        (f"{ESTIMATE}test_steps_are_those_of_the_training",),
    ),
    Mutant(
        _TARGETS,
        "return rank * self.experts * each",
        "return rank * each",
        "all experts together cost what one does",
        ("tests/train/test_modules.py::test_the_cost_of_a_target_is_pefts[mixtral]",),
    ),
    Mutant(
        _TRAINED,
        "    _untie(model)\n",
        "",
        "what is merged into the embeddings changes the output layer that shares them",
        (f"{MERGE}test_logits_are_those_of_base_and_adapter[embeddings alone-tied]",),
    ),
    Mutant(
        _TRAINED,
        "if not difference <= MERGED:",
        "if difference > 1.0:",
        "a merge that answers otherwise is written",
        (f"{MERGE}test_a_scale_that_is_wrong_is_refused",),
    ),
    Mutant(
        _GGUF,
        "return data if heads is None else _pairs(data, heads)",
        "return data",
        "queries and keys of a GGUF file stand in the order of halves",
        (f"{MERGE}test_a_gguf_file_answers_as_the_folder_does[False-fp32]",),
    ),
    Mutant(
        _GGUF,
        'kinds[added["id"]] = CONTROL if added["special"] else USER_DEFINED',
        'kinds[added["id"]] = NORMAL',
        "control tokens of a GGUF file are plain text",
        (f"{MERGE}test_the_embedded_model_comes_back_from_its_gguf_file",),
    ),
    Mutant(
        _BASES,
        "return Base(folder, wanted in (None, fingerprint(folder)), said)",
        "return Base(folder, True, said)",
        "another base of the same shape is taken for the trained one",
        (f"{MERGE}test_another_base_of_the_same_shape_is_said",),
    ),
    Mutant(
        "stages/train/adapter.py",
        'config["base_model_name_or_path"], config["revision"] = base.public, base.revision',
        'config["base_model_name_or_path"], config["revision"] = base.model, base.revision',
        "the adapter names the embedded model by a word that no hub knows",
        (
            "tests/train/test_adapter.py::test_the_adapter_of_the_embedded_model_names_it_as_hubs_do",
        ),
    ),
    Mutant(
        _HANDOVER,
        'config.pop("chat_template", None)',
        "pass",
        "a text model's tokenizer keeps a chat template that it was not trained with",
        (f"{HANDOVER}test_new_tokens_of_the_training_are_not_overwritten",),
    ),
    Mutant(
        _ASKED,
        "with self._trained.disable_adapter():",
        "with contextlib.nullcontext():",
        "the base's answers are the adapter's",
        (f"{CHAT}test_a_pair_answers_as_transformers_does_by_the_saved_template",),
    ),
    Mutant(
        _CHOICES,
        "sums.append(float(sum(made[at, token] for at, token in enumerate(row))))",
        "sums.append(float(made[0, row[0]]))",
        "an option counts with its first token alone",
        (f"{EVALUATE}test_scores_are_the_log_probabilities_of_the_options",),
    ),
    Mutant(
        _VALIDATION,
        "return Loss(mean, math.sqrt(rest * count / (count - 1)) / total)",
        "return Loss(mean, math.sqrt(rest / (count - 1)) / total)",
        "the error of a loss is too small by the root of the records",
        (f"{EVALUATE}test_the_error_of_a_loss_counts_records_not_tokens",),
    ),
    Mutant(
        _BUNDLE,
        "if found.hexdigest() != digest:",
        "if False:",
        "a damaged file of a bundle is used",
        (f"{BUNDLE}test_any_damage_is_noticed",),
    ),
    Mutant(
        _BUNDLE,
        'return bool(_NAME.fullmatch(name)) and not {".", ".."} & {*name.split("/")}',
        "return bool(name)",
        "a bundle writes where it likes",
        (f"{BUNDLE}test_what_is_no_bundle_writes_nothing_outside",),
    ),
    Mutant(
        _BUNDLE,
        "if not _is_file(folder / name, *files[name]):",
        "if False:",
        "what was changed since it was unpacked is used",
        (f"{BUNDLE}test_what_differs_is_told_and_stays",),
    ),
    Mutant(
        _BUNDLE,
        "for name in sorted(missing, key=lambda name: name != INDEX):",
        "for name in sorted(missing, key=lambda name: name == INDEX):",
        "a killed unpacking is not known by the next call",
        (f"{BUNDLE}test_a_killed_unpacking_goes_on",),
    ),
    Mutant(
        "pipeline/verbs/bundle.py",
        "        check_file(given.out, recipe)\n",
        "",
        "a bundle is made in the source that it is made of",
        (f"{BUNDLE}test_a_bundle_is_not_made_in_what_is_read_or_kept",),
    ),
    Mutant(
        "pipeline/hub.py",
        "if owned.resolved(folder / name) != within / name:",
        "if False:",
        "push follows a link to a file of the user's own",
        ("tests/pipeline/test_push.py::test_a_link_is_not_followed",),
    ),
    Mutant(
        "stages/manifest.py",
        '        and _are_files(value.get("files", {}))\n',
        "",
        "push sends what a manifest names outside of its folder",
        ("tests/pipeline/test_push.py::test_a_manifest_that_names_files_of_others_sends_nothing",),
    ),
    Mutant(
        "pipeline/verbs/bundle.py",
        'before = replace(recipe, name=f"{recipe.name}-bundle", steps=recipe.steps[:at])',
        "before = replace(recipe, steps=recipe.steps[:at])",
        "a bundle sets aside what the recipe's run shows",
        (f"{BUNDLE}test_the_recipes_own_run_stays_as_it_is",),
    ),
    Mutant(
        "stages/curves/validation.py",
        "steps[0] + 0.2 * (steps[-1] - steps[0])",
        "steps[0] + 0.0 * (steps[-1] - steps[0])",
        "the first fifth counts for a validation below training",
        ("tests/curves/test_findings.py",),
    ),
    Mutant(
        "stages/curves/validation.py",
        "if fall < FLAT or over > max(NEAR, 2 * noise):",
        "if over > max(NEAR, 2 * noise):",
        "a flat training has a good fit",
        ("tests/curves/test_findings.py",),
    ),
    Mutant(
        "stages/export/readers.py",
        'split = ["    split: train"] if side == "val" else []',
        "split: list[str] = []",
        "axolotl finds no validation in the file",
        ("tests/export/test_formats.py::test_the_configurations_name_files_that_are_there",),
    ),
    Mutant(
        "stages/export/readers.py",
        '"messages": "assistant_only_loss=True",',
        '"messages": "",',
        "TRL trains on prompts too",
        ("tests/export/test_formats.py::test_the_card_trains_on_answers_alone",),
    ),
    Mutant(
        "stages/curves/finding.py",
        "SURE = 2.0",
        "SURE = 1.0",
        "the intervals of findings are half as wide",
        ("tests/curves/test_findings.py",),
    ),
)
