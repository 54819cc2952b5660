"""The engine: keys, what was hashed, the store, jobs, runs, gc, workers, signals, trouble."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

KEYS, CONTENT = "pipeline/engine/keys.py", "pipeline/engine/content.py"
CODE = "pipeline/engine/code.py"
STORE, RUNNER = "pipeline/engine/store.py", "pipeline/engine/runner.py"
LOCAL, SIGNALS = "pipeline/executors/local.py", "pipeline/signals.py"
TASKS, WORKER = "pipeline/executors/tasks.py", "pipeline/executors/worker.py"
OF_OURS = ("tests/pipeline/test_keys.py::test_code_of_ours_changes_the_key_however_it_is_imported",)
REUSE = "tests/pipeline/test_reuse.py"
RANGES = "tests/pipeline/test_ranges.py"
OF_CONTENT = "tests/pipeline/test_content.py"
PLACE = "tests/train/test_another_training.py::"
OF_STORE = "tests/pipeline/test_store.py"
WORKERS = "tests/pipeline/test_workers.py"
ACROSS, ACROSS_TESTS = "pipeline/engine/across.py", "tests/pipeline/test_across.py"
MACHINES = "tests/pipeline/test_machines.py"


def _key(ingredient: str) -> tuple[str, ...]:
    """The test that an ingredient changes a key."""
    return (f"tests/pipeline/test_keys.py::test_every_ingredient_changes_the_key[{ingredient}]",)


MUTANTS = (
    # --- what a key is made of ---
    Mutant(
        KEYS,
        '"format": FORMAT,',
        '"format": 1,',
        "a key forgets the format of corpora",
        _key("format of corpora"),
    ),
    Mutant(
        KEYS,
        '"stage": stage.name,',
        '"stage": PACKAGE,',
        "a key forgets the stage's name",
        _key("name of the stage"),
    ),
    Mutant(
        KEYS,
        '"code": fingerprint(_ours_above(type(stage))),',
        '"code": _ours_above(type(stage)),',
        "a key has the name of the code and not its content",
        _key("code"),
    ),
    Mutant(
        KEYS,
        "for name in sorted(closure(module))",
        "for name in (module,)",
        "a key forgets helper modules",
        _key("helper module"),
    ),
    Mutant(
        CODE,
        "waiting.extend(code_of(name).imports - found)",
        "found.update(code_of(name).imports - found)",
        "a key forgets the helpers of helper modules",
        _key("helper of a helper"),
    ),
    Mutant(
        KEYS,
        "sys.version_info[:2]",
        "sys.version_info[:1]",
        "a key forgets Python's minor version",
        _key("Python's minor version"),
    ),
    Mutant(
        KEYS,
        'sorted({"pyarrow", *stage.libraries})',
        "sorted(stage.libraries)",
        "a key forgets the version of Arrow",
        _key("version of Arrow"),
    ),
    Mutant(
        KEYS,
        '"libraries": libraries_of(stage),',
        '"libraries": sorted(libraries_of(stage)),',
        "a key has the names of libraries and not their versions",
        _key("version of a library"),
    ),
    Mutant(
        KEYS,
        "[hashes.of(path) for path in stage.resources()]",
        "[path.name for path in stage.resources()]",
        "a key has the names of models and not their content",
        _key("model"),
    ),
    Mutant(
        KEYS,
        "{name: user_module_hash(name) for name in modules_of(stage)}",
        "list(modules_of(stage))",
        "a key has the names of the user's modules and not their content",
        _key("user's module"),
    ),
    Mutant(
        KEYS,
        "{name: file.sha256 for name, file in files.items()},",
        "{name: file.sha256 for name, file in files.items() if name == module},",
        "a key forgets what the user's module imports beside it",
        _key("module that it imports"),
    ),
    Mutant(
        KEYS,
        "{name: fingerprint(name) for name in ours},",
        "sorted(ours),",
        "a key forgets the code of ours that a user's module imports",
        OF_OURS,
    ),
    Mutant(
        KEYS,
        'for module in (name, name.rpartition(".")[0]):  # a module, or what one holds',
        "for module in (name,):",
        "a key forgets the module of ours that a user's module takes a function of",
        OF_OURS,
    ),
    Mutant(
        "stages/imports.py",
        'all(alias.name != "*" for alias in node.names)',
        "bool(node.names)",
        "a key forgets what of ours a user's module imports with a star",
        OF_OURS,
    ),
    Mutant(
        KEYS,
        "{k: v for k, v in parameters.items() if k not in without}",
        "sorted(parameters)",
        "a key has the names of parameters and not their values",
        _key("parameter"),
    ),
    Mutant(
        CODE,
        "        _drop_docstring(node)\n",
        "",
        "docstrings change a key",
        ("tests/pipeline/test_keys.py::test_comments_docstrings_and_layout_change_nothing",),
    ),
    Mutant(
        CONTENT,
        "named = [[name, file.sha256]",
        "named = [[name, file.path]",
        "a part's key has the place of its files and not their content",
        _key("input"),
    ),
    Mutant(
        CONTENT,
        "named = [[name, file.sha256]",
        "named = [[file.sha256]",
        "a part's key forgets the names of its files",
        (
            "tests/pipeline/test_keys.py::"
            "test_a_part_is_known_by_names_and_contents_and_not_by_where_it_is",
        ),
    ),
    Mutant(
        CONTENT,
        "part.start, part.stop, dict(part.detail), part.fingerprint]",
        "part.start, part.stop, part.fingerprint]",
        "a range's key forgets the line that it begins on",
        (f"{RANGES}::test_a_line_end_more_moves_the_lines_of_later_ranges",),
    ),
    Mutant(
        "pipeline/engine/alike.py",
        "before += count",
        "before = count",
        "equal rows of the third range have the ids of those in the second",
        (f"{RANGES}::test_ids_are_compared_by_and_by",),
    ),
    Mutant(
        "pipeline/engine/reading.py",
        'name = [read["key"], read["sha256"], renames]',
        'name = [read["key"], read["sha256"]]',
        "ids of a range are those that it had behind other rows",
        (f"{RANGES}::test_a_row_that_comes_to_stand_earlier_changes_the_id_of_its_equal",),
    ),
    Mutant(
        RUNNER,
        'hash_of([bases, "chain", schema, seen, way.piece.sha256])',
        'hash_of([bases, "chain", schema, way.piece.sha256])',
        "a verdict's key forgets what the piece sees of the state",
        (f"{REUSE}::test_one_more_copy_changes_the_verdict_on_an_untouched_piece",),
    ),
    Mutant(
        RUNNER,
        "bases = [self.known(stage)[0] for stage in steps]",
        "bases = [self.known(stage)[0] for stage in steps[:1]]",
        "a chain's key knows its first step alone",
        (f"{REUSE}::test_a_parameter_of_a_later_step_reaches_the_records",),
    ),
    Mutant(
        RUNNER,
        '[one["sha256"] for one in observed], before]',
        "len(observed), before]",
        "a merge's key counts the observations and forgets their content",
        (f"{REUSE}::test_a_changed_text_changes_the_state_of_a_fit",),
    ),
    Mutant(
        KEYS,
        "**check.as_json(stage), **named}",
        "**named, **check.as_json(stage)}",
        "a key has the folder of a model on this machine",
        (f"{PLACE}test_a_run_goes_on_or_is_refused_by_its_place",),
    ),
    Mutant(
        "pipeline/engine/ends.py",
        "base_key(stage, run.hashes, stage.means)",
        "base_key(stage, run.hashes)",
        "other times of saving begin unfinished work anew",
        (f"{PLACE}test_a_run_goes_on_or_is_refused_by_its_place",),
    ),
    Mutant(
        STORE,
        "and lock.read_bytes() == os.fsencode(owner)",
        "and lock.read_bytes()",
        "unfinished work of any run stands in the way",
        (f"{PLACE}test_a_run_goes_on_or_is_refused_by_its_place",),
    ),
    Mutant(
        "pipeline/engine/ends.py",
        'hash_of([base, "end", whole.identity])',
        'hash_of([base, "end", str(whole.path)])',
        "an end's key has the place of what it works on and not its content",
        (f"{REUSE}::test_an_end_is_made_anew_of_other_records",),
    ),
    Mutant(
        "pipeline/engine/states.py",
        "own = locals_[piece] if locals_ else None",
        "own = bool(locals_)",
        "a verdict's key forgets the piece's own table of the state",
        (f"{REUSE}::test_one_more_copy_changes_the_verdict_on_an_untouched_piece",),
    ),
    Mutant(
        "pipeline/engine/states.py",
        "table = whole.slice(sum(rows[:local]), rows[local])",
        "table = whole.slice(local, rows[local])",
        "a piece is shown rows of another piece's table of the state",
        (f"{REUSE}::test_one_more_copy_changes_the_verdict_on_an_untouched_piece",),
    ),
    # --- what was hashed is what is read ---
    Mutant(
        CONTENT,
        "if now is not None and (now != file.stamp or (read and file.recent)):",
        "if now is not None and now != file.stamp:",
        "times answer for a file that had just changed when it was hashed",
        (f"{OF_CONTENT}::test_times_do_not_answer_for_a_file_that_had_just_changed",),
    ),
    Mutant(
        CONTENT,
        "        if found != sha256:\n            raise Damaged(path)\n        _verified",
        "        _verified",
        "a piece is not compared with its hash",
        (f"{OF_CONTENT}::test_a_verified_file_is_read_once_until_it_changes",),
    ),
    Mutant(
        CONTENT,
        "        if not recent:\n",
        "        if stamp:\n",
        "the hash of a file that has just changed is remembered",
        ("tests/pipeline/test_keys.py::test_a_file_just_written_is_hashed_again",),
    ),
    Mutant(
        CONTENT,
        "        self._stamps.clear()\n",
        "",
        "a second try at a run holds files against their first state",
        (f"{OF_CONTENT}::test_a_file_that_changes_between_hash_and_reading_is_read_again",),
    ),
    Mutant(
        CONTENT,
        "^ {str(path) for path in stage_files(stage)}",
        "- {str(path) for path in stage_files(stage)}",
        "a file that comes to a model while it is used is not seen",
        ("tests/pipeline/test_changes.py::test_a_file_of_a_model_that_comes_while_it_is_used",),
    ),
    Mutant(
        "pipeline/engine/jobs.py",
        "piece.add(0, judged)\n            values = piece.close()\n        look()\n",
        "piece.add(0, judged)\n            values = piece.close()\n",
        "nobody looks whether a file changed while it was read",
        (f"{OF_CONTENT}::test_a_file_that_changes_while_it_is_read_is_read_again",),
    ),
    Mutant(
        "pipeline/engine/run.py",
        "            run.again()\n",
        "",
        "the second try at a run goes on with what the first one knew",
        (f"{OF_CONTENT}::test_a_file_that_changes_between_hash_and_reading_is_read_again",),
    ),
    # --- the store ---
    Mutant(
        STORE,
        "if newest > written or written > now:",
        "if written > now:",
        "an edited file under a valid manifest counts",
        (f"{OF_STORE}::test_a_damaged_entry_does_not_count_and_is_replaced",),
    ),
    Mutant(
        STORE,
        "                if stat.st_size != size:\n                    return None\n",
        "",
        "a file that was cut behind the back of its times counts",
        (f"{OF_STORE}::test_a_file_that_lost_its_end_in_a_crash_does_not_count",),
    ),
    Mutant(
        STORE,
        '            if manifest["check"] != _check_of(manifest):\n                return None\n',
        "",
        "an edited manifest counts",
        (f"{OF_STORE}::test_a_manifest_with_another_count_does_not_count",),
    ),
    Mutant(
        STORE,
        "            flush_below(folder)\n",
        "",
        "files of an entry do not reach the disk before the rename",
        (f"{OF_STORE}::test_all_of_an_entry_is_flushed_before_it_has_its_name",),
    ),
    Mutant(
        "stages/disk.py",
        "        flush(below)\n    flush(folder)\n",
        "        flush(below)\n",
        "the folder of an entry does not reach the disk before the rename",
        (f"{OF_STORE}::test_all_of_an_entry_is_flushed_before_it_has_its_name",),
    ),
    Mutant(
        STORE,
        "                flush(target.parent)\n",
        "",
        "the name of an entry does not reach the disk",
        (f"{OF_STORE}::test_all_of_an_entry_is_flushed_before_it_has_its_name",),
    ),
    Mutant(
        STORE,
        ".chmod(0o444)",
        ".chmod(0o644)",
        "files of an entry can be written",
        (f"{OF_STORE}::test_an_entry_is_read_back_and_read_only",),
    ),
    Mutant(
        STORE,
        'if values.get("passing"):',
        'if values.get("passing") is None:',
        "what the system did not give for a moment is never asked for again",
        (f"{OF_CONTENT}::test_what_the_system_did_not_give_is_asked_for_again",),
    ),
    Mutant(
        STORE,
        "if old and not _may_live(path.name):",
        "if old:",
        "the unfinished entries of living processes are swept",
        (f"{OF_STORE}::test_sweep_removes_what_dead_processes_left",),
    ),
    Mutant(
        STORE,
        "            hold(lock, exclusive=True)\n",
        "            hold(lock, exclusive=False)\n",
        "two trainings of one adapter work in one folder",
        (f"{OF_STORE}::test_only_one_at_a_time_has_the_work_folder",),
    ),
    # --- gc ---
    Mutant(
        "pipeline/engine/gc.py",
        "first is None or path >= first",
        "first is None or path > first",
        "gc keeps one finished run less than it says",
        ("tests/pipeline/test_gc.py::test_the_last_three_finished_runs_stay",),
    ),
    Mutant(
        "pipeline/engine/gc.py",
        'finished = [path for path in marks if {"done": True} in _rows(path)]',
        "finished = marks",
        "gc counts unfinished runs among the last ones",
        ("tests/pipeline/test_gc.py::test_what_an_unfinished_run_made_stays_so_that_it_can_go_on",),
    ),
    Mutant(
        "pipeline/engine/gc.py",
        "hold(self._lock, exclusive=False)  # waits",
        "hold(self._lock, exclusive=False, wait=True) if False else None  # waits",
        "a run holds no lock against gc",
        ("tests/pipeline/test_gc.py::test_gc_waits_for_no_run_and_refuses",),
    ),
    Mutant(
        RUNNER,
        "        self.record.add(missing)\n",
        "",
        "what a worker committed before the driver died belongs to no run",
        (f"{REUSE}::test_what_was_committed_a_moment_before_a_kill_is_no_garbage",),
    ),
    Mutant(
        "pipeline/engine/run.py",
        'record.close(status == "done")',
        "record.close(True)",
        "a failed run counts among the finished ones",
        (f"{REUSE}::test_failed_runs_push_no_finished_one_out_of_the_store",),
    ),
    # --- workers ---
    Mutant(
        WORKER,
        "    die_with_parent()\n",
        "",
        "workers outlive a driver that is killed",
        (f"{WORKERS}::test_a_worker_dies_with_its_driver",),
    ),
    Mutant(
        TASKS,
        "if self._counts[number] >= TRIES:",
        "if self._counts[number] >= TRIES - 1:",
        "a worker that is killed once ends the run",
        (f"{WORKERS}::test_a_worker_that_dies_once_costs_nothing",),
    ),
    Mutant(
        TASKS,
        '        return {"error": "bug", "message": traceback.format_exc()}\n',
        '        return {"error": "user", "message": f"{what}: {error}", "exit_code": 3}\n',
        "a worker's bug is told as the user's mistake",
        ("tests/pipeline/test_trouble.py::test_memory_that_ran_out_is_a_sentence_in_a_worker_too",),
    ),
    Mutant(
        TASKS,
        '        error.exit_code = answer["exit_code"]\n',
        "",
        "what a worker refuses loses its exit code",
        (f"{WORKERS}::test_what_a_worker_refuses_keeps_its_words_and_its_exit_code",),
    ),
    Mutant(
        LOCAL,
        "while given in done:",
        "while done:",
        "summaries come in the order in which workers finish",
        (f"{WORKERS}::test_summaries_come_in_the_order_of_the_jobs",),
    ),
    # --- many machines ---
    Mutant(
        ACROSS,
        "begin, rows = begin + room, rows - room",
        "begin, rows = begin, rows - room",
        "a block of the digest holds the first rows of a piece in place of the next ones",
        (f"{ACROSS_TESTS}::test_groups_hold_every_row_once_and_in_order",),
    ),
    Mutant(
        ACROSS,
        "np.searchsorted(ids, end)",
        "np.searchsorted(ids, end) - 1",
        "an id at the end of a range is compared with none",
        (f"{ACROSS_TESTS}::test_an_id_that_is_there_twice_is_found",),
    ),
    Mutant(
        "stages/corpus.py",
        "            offsets = offsets[data.offset : data.offset + len(data) + 1]\n",
        "            offsets = offsets[: len(data) + 1]\n",
        "the digest of rows depends on how they are cut into batches",
        (f"{ACROSS_TESTS}::test_blocks_of_any_pieces_are_those_of_the_rows_in_one",),
    ),
    Mutant(
        "pipeline/executors/machine.py",
        'if here["code"] != wanted["code"]:',
        "if False:",
        "a machine with other code commits under the driver's keys",
        (f"{MACHINES}::test_a_task_on_a_machine_that_is_not_like_the_drivers_makes_nothing",),
    ),
    Mutant(
        "pipeline/watchdog.py",
        'left = TRIES if _finished(folder / "events.jsonl") else left - 1',
        "left = TRIES",
        "a run that finishes nothing is begun again for ever",
        (f"{MACHINES}::test_a_run_that_never_finishes_anything_is_given_up",),
    ),
    Mutant(
        "pipeline/executors/array.py",
        'deaths.add(number, answer["message"])',
        "pass",
        "a part that always kills its task is submitted for ever",
        (f"{MACHINES}::test_a_part_that_always_kills_its_task_ends_an_array_after_two_tries",),
    ),
    # --- signals and trouble ---
    Mutant(
        SIGNALS,
        "if _over or (_came and now - _last < _PATIENCE):",
        "if _over:",
        "a second signal breaks off what the first one ends",
        (f"{WORKERS}::test_a_second_signal_is_heeded_when_the_first_one_was_not",),
    ),
    Mutant(
        SIGNALS,
        "if signal.getsignal(number) != signal.SIG_IGN:",
        "if number:",
        "a signal that nohup ignores ends the command",
        (
            "tests/pipeline/test_signals.py::"
            "test_a_signal_that_is_ignored_from_the_start_stays_ignored",
        ),
    ),
    Mutant(
        SIGNALS,
        "    if _came[0] == signal.SIGINT:",
        "    if _came[-1] == signal.SIGINT:",
        "the last signal gives the exit code",
        (f"{WORKERS}::test_a_second_signal_is_heeded_when_the_first_one_was_not",),
    ),
    Mutant(
        "pipeline/trouble.py",
        "error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)",
        "error.errno in (errno.ENOSPC, errno.EFBIG)",
        "a used-up quota is not told as a full disk",
        ("tests/pipeline/test_trouble.py::test_every_number_has_its_sentence",),
    ),
    Mutant(
        "pipeline/trouble.py",
        "if isinstance(error, MemoryError) or _no_room_for_code(error):",
        "if isinstance(error, MemoryError):",
        "a library that finds no memory to be loaded is told as a bug",
        ("tests/pipeline/test_trouble.py::test_memory_that_ran_out_is_a_sentence_in_a_worker_too",),
    ),
    Mutant(
        "stages/call.py",
        "if empty and (wrong",
        "if not empty and (wrong",
        "a call yields nothing for a column that is not there",
        ("tests/pipeline/test_parameters.py::test_a_call_knows_a_column_that_nothing_has",),
    ),
    Mutant(
        "pipeline/executors/array.py",
        "            if done.returncode and not any(found):",
        "            if done.returncode:",
        "one task of an array that died ends the run",
        (
            "tests/pipeline/test_machines.py"
            "::test_an_array_of_which_a_task_died_is_submitted_again_for_its_parts_alone",
        ),
    ),
    Mutant(
        "stages/verdicts.py",
        "before if new is None else new.get(name, before)",
        "before",
        "a field that was held does not see what another one wrote",
        ("tests/test_verdicts.py::test_a_field_that_was_held_sees_what_another_one_wrote",),
    ),
)
