"""Limits: what hostile input may take, reach and show."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

READING, CHILD = "stages/reading.py", "stages/child.py"
STREAMS, FILES = "stages/extract/packed/streams.py", "stages/extract/files.py"
JSON, DUMPS = "stages/extract/jsontext/", "stages/extract/sqldump/"
SECRETS, TERMINAL = "stages/secrets.py", "pipeline/terminal.py"
OF_CHILD, OF_READING = "tests/test_child.py", "tests/test_reading.py"
OF_ARCHIVES, OF_DAMAGE = "tests/extract/test_archives.py", "tests/extract/test_damaged.py"
OF_FILES, OF_JSON = "tests/extract/test_files.py", "tests/extract/test_jsonl.py"
OF_DUMPS = "tests/extract/test_sql_hostile.py"
OF_SECRETS, OF_TERMINAL = "tests/test_secrets.py", "tests/pipeline/test_terminal.py"

MUTANTS = (
    # --- time and memory ---
    Mutant(
        READING,
        'if death.cause == "deadline":',
        'if death.cause == "deadline" and self.restarts.get(file):',
        "a page that lets the deadline pass is tried again",
        (f"{OF_CHILD}::test_what_let_the_deadline_pass_is_not_tried_again",),
    ),
    Mutant(
        READING,
        "if seen != self.seen or seen[3]:",
        "if seen != self.seen:",
        "a user's own query has a deadline",
        (f"{OF_READING}::test_work_that_moves_on_and_a_users_own_query_have_time",),
    ),
    Mutant(
        READING,
        "if seen != self.seen or seen[3]:",
        "if seen[:2] != self.seen[:2] or seen[3]:",
        "reading that moves on without an item lets the deadline pass",
        (f"{OF_READING}::test_work_that_moves_on_and_a_users_own_query_have_time",),
    ),
    Mutant(
        READING,
        "elif cpu - self.cpu > self.child.stage.deadline:",
        "elif cpu > self.child.stage.deadline:",
        "the deadline counts from the start of the process",
        (f"{OF_CHILD}::test_each_document_has_the_whole_deadline",),
    ),
    Mutant(
        READING,
        "if self.deaths[name] > 1 or",
        "if self.deaths[name] > 0 or",
        "what was read before is booked on a later page",
        (f"{OF_CHILD}::test_what_earlier_documents_hold_is_not_booked_on_a_later_one",),
    ),
    Mutant(
        READING,
        "if status in _FROM_OUTSIDE:",
        "if status == -signal.SIGTERM:",
        "a kill from outside is the page's fault",
        (f"{OF_CHILD}::test_kills_from_outside_are_never_the_documents_fault",),
    ),
    Mutant(
        READING,
        "patience = _RESTARTS + 2 * len(self.culprits.get(file, ()))",
        "patience = 2 * _RESTARTS + 2 * len(self.culprits.get(file, ()))",
        "a file whose readers die now here, now there, is read for ever",
        (f"{OF_READING}::test_a_file_whose_readers_die_now_here_now_there_is_given_up",),
    ),
    Mutant(
        READING,
        "file, items = max((file, items), self.at)",
        "file, items = self.at",
        "a death is booked on the row behind the last batch",
        (f"{OF_READING}::test_what_kills_the_reader_costs_its_file_the_rest_and_no_neighbour",),
    ),
    Mutant(
        CHILD,
        "        resource.setrlimit(resource.RLIMIT_AS, (size, size))\n",
        "        resource.getrlimit(resource.RLIMIT_AS)\n",
        "a reader may take all memory",
        (
            f"{OF_READING}::"
            "test_what_kills_the_reader_costs_its_file_the_rest_and_no_neighbour[eat 4000"
            '-memory-{"items_before":2,"limit_mb":1024}]',
        ),
    ),
    Mutant(
        CHILD,
        "        size += int(Path",
        "        size += 0 * int(Path",
        "what the program itself takes is booked on the page",
        (f"{OF_CHILD}::test_what_earlier_documents_hold_is_not_booked_on_a_later_one",),
    ),
    # --- bytes, ratio, members ---
    Mutant(
        "stages/extract/packed/archives.py",
        "    if len(raw) > size:\n",
        "    if len(raw) > size and stream.fault is not None:\n",
        "a page larger than the limit is read as far as the limit",
        (f"{OF_ARCHIVES}::test_documents_are_whole_or_faults",),
    ),
    Mutant(
        STREAMS,
        "return out > RATIO_FLOOR and out > self.ratio * packed",
        "return out > RATIO_FLOOR and out > self.ratio * RATIO_FLOOR",
        "no ratio makes a bomb",
        (f"{OF_ARCHIVES}::test_a_bomb_is_stopped_at_the_limit",),
    ),
    Mutant(
        STREAMS,
        "        if total is not None and self.out > total:\n",
        "        if total is not None and size > total:\n",
        "what comes out of a file is bounded at each reading alone",
        (f"{OF_ARCHIVES}::test_a_bomb_is_stopped_at_the_limit",),
    ),
    Mutant(
        "stages/extract/packed/compressed.py",
        'reader.taken, "file", size)',
        'reader.taken, "file")',
        "what of a bomb is not read is not counted",
        (f"{OF_ARCHIVES}::test_a_bomb_is_stopped_at_the_limit",),
    ),
    Mutant(
        "stages/extract/packed/zips.py",
        "label, (own, budget))",
        "label, (own,))",
        "a zip is bounded by member and not as a whole",
        (f"{OF_DAMAGE}::test_a_zip_is_bounded_as_a_whole",),
    ),
    Mutant(
        "stages/extract/packed/tars.py",
        "label, (budget,))",
        "label, ())",
        "a tar is bounded by member and not as a whole",
        (f"{OF_DAMAGE}::test_a_tar_is_bounded_as_a_whole",),
    ),
    Mutant(
        "stages/extract/packed/labels.py",
        "        if self._seen < self.limits.members:\n",
        "        if len(self._again) < self.limits.members:\n",
        "members that nobody wants are not bounded",
        (f"{OF_ARCHIVES}::test_members_that_nobody_wants_are_bounded_too",),
    ),
    Mutant(
        "stages/extract/packed/compressed.py",
        "memlimit=MEMORY)",
        "memlimit=None)",
        "a decompressor may take all memory",
        ("tests/extract/test_compressed.py::test_memory_to_unpack_is_bounded_and_told",),
    ),
    Mutant(
        JSON + "lines.py",
        "                taken += len(more)\n",
        "                taken = len(more)\n",
        "what follows a line that is too long has wrong offsets",
        (f"{OF_JSON}::test_a_line_too_long_is_told_and_skipped",),
    ),
    Mutant(
        DUMPS + "window.py",
        "        if held > self.limit:\n",
        "        if held > self.limit and self.eof:\n",
        "a row of a dump is held whole, however long",
        (f"{OF_DUMPS}::test_what_is_too_long_is_never_held",),
    ),
    Mutant(
        DUMPS + "literals.py",
        "left = _GROWTH + self.at - self._begun - self._grown",
        "left = _GROWTH + self.at - self._begun",
        "functions of a dump make text again and again",
        (f"{OF_DUMPS}::test_what_functions_make_in_a_row_is_bounded_together",),
    ),
    # --- depth ---
    Mutant(
        JSON + "json_values.py",
        "if brackets > DEPTH and _deeper(value):",
        "if len(text) > VALUES and _deeper(value):",
        "JSON is read deeper than it can be written",
        (f"{OF_JSON}::test_depth_is_refused_before_it_cannot_be_written",),
    ),
    Mutant(
        DUMPS + "literals.py",
        "if self._depth > DEPTH:",
        "if self._depth > 20 * DEPTH:",
        "values of a dump are nested as deep as Python's stack",
        (f"{OF_DUMPS}::test_deep_values_cost_their_row_alone",),
    ),
    Mutant(
        "stages/extract/webpage/limits.py",
        'over = depth >= DEPTH + (closing != "")',
        "over = False",
        "a page may be nested without end",
        ("tests/extract/test_html.py::test_bounds_hold_and_the_text_stays",),
    ),
    Mutant(
        "stages/extract/webpage/limits.py",
        "if match and len(kept) > ATTRIBUTES:",
        "if match and len(kept) > 100 * ATTRIBUTES:",
        "a tag may have attributes without end",
        ("tests/extract/test_html.py::test_bounds_hold_and_the_text_stays",),
    ),
    Mutant(
        "stages/extract/webpage/scan.py",
        "return height - np.minimum(np.minimum.accumulate(height), 0)",
        "return height",
        "ends of nothing make room for nesting that the look at all tags does not see",
        ("tests/extract/test_html_scan.py::test_pages_at_a_bound_are_told_apart",),
    ),
    Mutant(
        "stages/extract/webpage/scan.py",
        "if whole is None or whole.end() != last[tag] + 1:",
        "if whole is None:",
        "a tag within a quotation is taken for one",
        ("tests/extract/test_html_scan.py::test_a_tag_that_a_quotation_hides_is_not_trusted",),
    ),
    Mutant(
        "stages/extract/webpage/scan.py",
        "read[opened[0] : tag] = False",
        "read[opened[0] : tag] = True",
        "what stands in scripts counts as nesting",
        ("tests/extract/test_html_scan.py::test_pages_at_a_bound_are_told_apart",),
    ),
    Mutant(
        "stages/extract/webpage/metadata.py",
        'return " ".join(pieces)[:_BESIDE]',
        'return " ".join(pieces)',
        "a day far behind the heading is the page's",
        ("tests/extract/test_html_scan.py::test_a_day_far_behind_the_heading_is_not_the_pages",),
    ),
    # --- files ---
    Mutant(
        FILES,
        "    if kind == stat.S_IFREG:\n        return file\n    file.close()",
        "    if kind != stat.S_IFDIR:\n        return file\n    file.close()",
        "a pipe in the place of a file is read",
        (f"{OF_FILES}::test_a_file_that_becomes_a_pipe_is_told_not_waited_for",),
    ),
    Mutant(
        FILES,
        'self._inside = str(root).rstrip("/") + "/"',
        'self._inside = str(root).rstrip("/")',
        "a folder whose name begins like the source's is in it",
        (f"{OF_FILES}::test_links_are_read_within_the_folder_and_told_where_they_lead_away",),
    ),
    Mutant(
        FILES,
        "            elif not self._holds(target):\n",
        "            elif os.path.isabs(shown):\n",
        "links lead out of the source's folder",
        (f"{OF_FILES}::test_links_are_read_within_the_folder_and_told_where_they_lead_away",),
    ),
    Mutant(
        FILES,
        "        if kind == stat.S_IFREG:\n            self.names.add(name)",
        "        if kind != stat.S_IFSOCK:\n            self.names.add(name)",
        "a named pipe is among the files that are read",
        (f"{OF_FILES}::test_only_regular_files_are_read_and_the_others_told_without_being_opened",),
    ),
    Mutant(
        FILES,
        '                if entry.name.startswith("."):\n                    continue\n',
        "",
        "hidden files of a folder are read",
        (f"{OF_FILES}::test_endings_are_read_in_any_case_and_hidden_files_are_left_out",),
    ),
    # --- secrets and terminals ---
    Mutant(
        SECRETS,
        "    while len(texts) < 4 and (plain := unquote(texts[-1])) != texts[-1]:\n"
        "        texts.append(plain)\n",
        "",
        "a password that is percent-encoded is none",
        (f"{OF_SECRETS}::test_a_password_is_found_and_masked_in_every_spelling",),
    ),
    Mutant(
        SECRETS,
        '"".join(words).endswith(_ENDS)',
        '"".join(words) in _ENDS',
        "a setting whose name ends in password is none",
        (f"{OF_SECRETS}::test_a_password_is_found_and_masked_in_every_spelling",),
    ),
    Mutant(
        SECRETS,
        "    if isinstance(value, list | tuple):\n"
        "        return [masked_values(one) for one in value]\n",
        "",
        "passwords in lists of an account are shown",
        (f"{OF_SECRETS}::test_values_of_json_are_masked_at_any_depth",),
    ),
    Mutant(
        "stages/errors.py",
        "tuple(masked(str(message)) for message in messages)",
        "tuple(str(message) for message in messages)",
        "errors hold passwords",
        (f"{OF_SECRETS}::test_errors_never_hold_a_password",),
    ),
    Mutant(
        TERMINAL,
        "        self._put(masked(shown(text)))\n",
        "        self._put(shown(text))\n",
        "what is printed shows passwords",
        (f"{OF_TERMINAL}::test_a_trace_is_masked",),
    ),
    Mutant(
        TERMINAL,
        "\\\\u2028-\\\\u202e",
        "\\\\u2028-\\\\u2029",
        "overrides of the writing direction reach the terminal",
        (f"{OF_TERMINAL}::test_what_is_shown_holds_no_control_characters",),
    ),
    Mutant(
        TERMINAL,
        '        self._put(masked(line(text)) + "\\n")\n',
        '        self._put(masked(shown(text)) + "\\n")\n',
        "a line break in a name begins a line of its own",
        (f"{OF_TERMINAL}::test_a_line_that_is_said_is_one_line",),
    ),
    Mutant(
        TERMINAL,
        'self._put("\\r\\x1b[K" + masked(line(text)))',
        'self._put("\\r\\x1b[K" + masked(text))',
        "the line of progress shows control characters",
        (f"{OF_TERMINAL}::test_a_line_that_is_said_is_one_line",),
    ),
)
