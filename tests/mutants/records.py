"""Records: verdicts, counts, corpora, frames, places, what is ours, and the stages that clean."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

VERDICTS, RECORDS, CORPUS = "stages/verdicts.py", "stages/records.py", "stages/corpus.py"
COUNTS, CONFORM, PLACE, OWNED = (
    "stages/counts.py",
    "stages/conform.py",
    "stages/place.py",
    "stages/owned.py",
)
CLEAN = "stages/clean/"
OF_VERDICTS, OF_RECORDS = "tests/test_verdicts.py", "tests/test_records.py"
OF_CORPUS, OF_OWNED = "tests/test_corpus.py", "tests/test_owned.py"
OF_DEDUP, OF_PII = "tests/clean/test_dedup.py", "tests/clean/test_pii.py"
OF_NORMALIZE, OF_REFUSALS = "tests/clean/test_normalize.py", "tests/clean/test_refusals.py"
OF_QUALITY = "tests/clean/test_quality.py"

MUTANTS = (
    # --- verdicts ---
    Mutant(
        VERDICTS,
        "inapplicable=len(self._inapplicable - self._marks.keys())",
        "inapplicable=len(self._inapplicable)",
        "a row that was dropped counts as inapplicable too",
        (f"{OF_VERDICTS}::test_the_identity_holds_for_any_marks",),
    ),
    Mutant(
        VERDICTS,
        "else mark.text)[:REJECT_TEXT],",
        "else mark.text),",
        "the text of a reject is kept whole, however long",
        (f"{OF_VERDICTS}::test_columns_and_texts_reach_the_kept_rows",),
    ),
    Mutant(
        VERDICTS,
        "self._marks.setdefault(self._known(row), mark)",
        "self._marks[self._known(row)] = mark",
        "the last mark of a row stays, not the first",
        (f"{OF_VERDICTS}::test_the_identity_holds_for_any_marks",),
    ),
    Mutant(
        VERDICTS,
        "changed=len(self._changed - self._marks.keys())",
        "changed=len(self._changed)",
        "a row that left counts among the changed",
        (f"{OF_VERDICTS}::test_columns_and_texts_reach_the_kept_rows",),
    ),
    Mutant(
        VERDICTS,
        "if same and after[begin] != self.forms[row]:",
        "if same:",
        "a row that was put in its own stead unchanged counts as changed",
        (f"{OF_VERDICTS}::test_a_row_in_its_own_stead_is_changed_when_its_text_is",),
    ),
    Mutant(
        VERDICTS,
        "            begin += len(made)\n",
        "            begin += 1\n",
        "a row in its own stead behind one that became several is held against another",
        (f"{OF_VERDICTS}::test_a_row_in_its_own_stead_is_changed_when_its_text_is",),
    ),
    Mutant(
        VERDICTS,
        'in Batch.fields(self, row, "all"))',
        'in self.fields(row, "all"))',
        "a reject shows the text as the stage had rewritten it",
        (f"{OF_VERDICTS}::test_a_reject_shows_the_text_that_came_in",),
    ),
    Mutant(
        VERDICTS,
        "            if row not in self._marks:\n                count.added",
        "            if row in self._texts:\n                count.added",
        "text cut from a row that left then is counted twice",
        (f"{OF_VERDICTS}::test_text_is_counted_like_records",),
    ),
    Mutant(
        VERDICTS,
        "            self.passing or other.passing,\n",
        "            other.passing,\n",
        "a fault of the moment in the first part of a batch is kept for good",
        (f"{OF_VERDICTS}::test_two_parts_of_a_batch_are_one",),
    ),
    # --- records and places ---
    Mutant(
        RECORDS,
        '(message["role"] == "assistant") == (view == "output")',
        '(message["role"] != "user") == (view == "output")',
        "a system prompt is an output",
        (f"{OF_RECORDS}::test_views",),
    ),
    Mutant(
        RECORDS,
        '        common.update(len(piece).to_bytes(8, "little"))\n',
        "",
        "the parts of an id run into one another",
        (f"{OF_RECORDS}::test_the_borders_between_the_parts_of_an_id_count",),
    ),
    Mutant(
        RECORDS,
        'f"{ordinal}.{part}"',
        'f"{ordinal}{part}"',
        "ordinal and part of an id run into one another",
        (f"{OF_RECORDS}::test_the_borders_between_the_parts_of_an_id_count",),
    ),
    Mutant(
        PLACE,
        're.compile("[%#@!',
        're.compile("[%#!',
        "an @ in a name is taken for a position",
        ("tests/test_place.py",),
    ),
    Mutant(
        PLACE,
        "return str(Place(path, member, table=table))",
        "return str(Place(path, member))",
        "equal rows of two tables are siblings",
        ("tests/test_place.py",),
    ),
    # --- corpora and counts ---
    Mutant(
        CORPUS,
        '        self._feed(path + "?", valid)\n',
        "",
        "a missing value has the digest of an empty one",
        (f"{OF_CORPUS}::test_the_digest_changes_with_any_value",),
    ),
    Mutant(
        CORPUS,
        '            self._feed(path + "#", np.ascontiguousarray(np.diff(offsets)))\n',
        "",
        "text that moves from row to row leaves the digest as it was",
        (f"{OF_CORPUS}::test_moving_text_between_rows_changes_the_digest",),
    ),
    Mutant(
        CORPUS,
        "while rows > 1 and (rows > left or not _fits(table.slice(begin, rows))):",
        "rows = min(rows, left)\n    while rows > 1 and not _fits(table.slice(begin, rows)):",
        "the borders of batches depend on how many rows have come",
        (f"{OF_CORPUS}::test_borders_of_batches_do_not_depend_on_how_rows_arrive",),
    ),
    Mutant(
        CORPUS,
        "table.nbytes <= BATCH_BYTES or canonical(table).nbytes <= BATCH_BYTES",
        "table.nbytes <= BATCH_BYTES",
        "the borders of batches depend on needless bytes of how rows came",
        (f"{OF_CORPUS}::test_needless_bytes_move_no_border_of_a_batch",),
    ),
    Mutant(
        CORPUS,
        "            self.add(batches.pop())\n",
        "            pass\n",
        "the borders of batches depend on how rows arrive",
        (f"{OF_CORPUS}::test_borders_of_batches_do_not_depend_on_how_rows_arrive",),
    ),
    Mutant(
        "stages/manifest.py",
        'return not os.path.isabs(name) and ".." not in Path(name).parts',
        "return not os.path.isabs(name)",
        "a manifest may name files outside of its folder",
        (f"{OF_CORPUS}::test_a_manifest_reaches_no_file_outside_its_folder",),
    ),
    Mutant(
        COUNTS,
        "        self.added += other.added\n",
        "",
        "labels that a stage wrote are counted of the first piece alone",
        (f"{OF_VERDICTS}::test_counts_of_pieces_are_added_up",),
    ),
    Mutant(
        COUNTS,
        "if self.text.seen != self.text.kept + sum(self.text.removed.values()):",
        "if self.text.seen < self.text.kept:",
        "text that vanishes unsaid is no error",
        (f"{OF_VERDICTS}::test_counts_that_do_not_add_up_are_refused",),
    ),
    # --- frames ---
    Mutant(
        CONFORM,
        "if value is None or (isinstance(value, float) and value != value):",
        "if value is None:",
        "NaN in a column of texts is no missing value",
        ("tests/test_conform.py",),
    ),
    Mutant(
        CONFORM,
        "        ordinal = seen.get(digest, 0)\n",
        "        ordinal = 0\n",
        "equal rows of a frame without ids get one id",
        ("tests/test_conform.py",),
    ),
    Mutant(
        CONFORM,
        '            if value is not None and (value != "" or name not in ("source", "place"))\n',
        "            if value is not None\n",
        "an empty column source or place changes the ids of a frame",
        ("tests/test_conform.py",),
    ),
    # --- what is ours ---
    Mutant(
        OWNED,
        "if name not in (parents if is_folder else listed):",
        "if not is_folder and name not in listed:",
        "an empty folder of somebody's is replaced",
        (f"{OF_OWNED}::test_an_empty_folder_and_links_of_others_keep_the_folder",),
    ),
    Mutant(
        OWNED,
        "key=lambda name: name == MANIFEST)",
        "key=lambda name: name != MANIFEST)",
        "the manifest is removed first",
        (f"{OF_OWNED}::test_what_a_kill_leaves_of_a_removal_is_still_known_for_ours",),
    ),
    Mutant(
        OWNED,
        "if any(same(parent, other) for parent in path.parents):",
        "if other in path.parents:",
        "a path through a link is told from the folder that the link leads to",
        (f"{OF_OWNED}::test_how_paths_lie_to_each_other",),
    ),
    Mutant(
        OWNED,
        "path.read_bytes() == _content(kind)",
        "path.stat().st_size > 0",
        "a file of any content marks a store",
        (f"{OF_OWNED}::test_a_mark_of_other_content_or_kind_is_none",),
    ),
    # --- dedup ---
    Mutant(
        CLEAN + "components.py",
        "good = scores >= threshold - 1e-12",
        "good = scores > threshold + 1e-12",
        "a pair at the threshold is none",
        (f"{OF_DEDUP}::test_a_pair_at_the_threshold_is_one_and_one_below_is_none",),
    ),
    Mutant(
        CLEAN + "components.py",
        "good = scores >= threshold - 1e-12",
        "good = scores >= threshold - 0.02",
        "a pair just below the threshold is one",
        (f"{OF_DEDUP}::test_a_pair_at_the_threshold_is_one_and_one_below_is_none",),
    ),
    Mutant(
        CLEAN + "components.py",
        "if stays[other] == other or scores[at] > score[other]:",
        "if stays[other] == other or scores[at] < score[other]:",
        "the least alike of several survivors is named",
        (f"{OF_DEDUP}::test_groups_and_survivors_are_those_of_brute_force",),
    ),
    Mutant(
        CLEAN + "dedup.py",
        'np.argsort(-counts, kind="stable")',
        'np.argsort(counts, kind="stable")',
        "the shortest of two duplicates stays",
        (f"{OF_DEDUP}::test_the_longest_stays_and_of_equals_the_first",),
    ),
    Mutant(
        CLEAN + "dedup.py",
        "exact[doubled] = survivor[twin[doubled]] == twin[doubled]",
        "exact[doubled] = True",
        "the twin of a near duplicate is told as an exact one of the survivor",
        (f"{OF_DEDUP}::test_the_longest_stays_and_of_equals_the_first",),
    ),
    Mutant(
        CLEAN + "shingles.py",
        "folded = [text.casefold() for text in texts]",
        "folded = list(texts)",
        "capitals make another text",
        (
            f"{OF_DEDUP}::test_short_texts_are_compared_with_their_punctuation_and_long_ones_without",
        ),
    ),
    # --- pii ---
    Mutant(
        CLEAN + "pii.py",
        "found.get(name) or find(text)",
        "found.get(name, [])",
        "a reject shows the secrets of the fields outside of the view",
        (f"{OF_PII}::test_a_reject_shows_where_but_never_what",),
    ),
    Mutant(
        CLEAN + "pii.py",
        "int(char) * (1 + position % 2)",
        "int(char) * (2 - position % 2)",
        "the check digit of a card is taken from the wrong end",
        (f"{OF_PII}::test_check_digits",),
    ),
    Mutant(
        CLEAN + "pii.py",
        "        length += len(one.label)\n",
        "",
        "spans of masked text stand where the text stood before",
        (f"{OF_PII}::test_found_and_masked",),
    ),
    Mutant(
        CLEAN + "pii.py",
        "counts[record.row] = sum(map(len, found.values()))",
        "counts[record.row] = sum(map(bool, found.values()))",
        "fields with a finding are counted, not findings",
        (f"{OF_PII}::test_mask_counts_and_keeps_every_record",),
    ),
    Mutant(
        CLEAN + "pii.py",
        "                or (place and found[place - 1].end > begin)\n",
        "",
        "a finding within another one is masked again",
        (f"{OF_PII}::test_what_one_kind_has_taken_no_later_one_takes_again",),
    ),
    # --- normalize, refusals, quality ---
    Mutant(
        CLEAN + "normalize.py",
        'judged = record.texts("output") or record.texts("all")',
        'judged = record.texts("all")',
        "an answer of which nothing is left stays for its question's sake",
        (f"{OF_NORMALIZE}::test_an_output_of_which_nothing_is_left_is_dropped_with_its_field",),
    ),
    Mutant(
        CLEAN + "normalize.py",
        "for record in verdicts.records(self.on):",
        'for record in verdicts.records("all"):',
        "rows without the view that normalize works on are rewritten, and not inapplicable",
        (f"{OF_NORMALIZE}::test_rows_without_the_view_are_inapplicable_and_stay",),
    ),
    Mutant(
        CLEAN + "normalize.py",
        " and not _calls(record):",
        ":",
        "an answer that is a call of a tool is dropped as empty",
        (f"{OF_NORMALIZE}::test_an_empty_question_and_a_tool_call_are_no_empty_records",),
    ),
    Mutant(
        CLEAN + "normalize.py",
        "_ROUNDS = 8",
        "_ROUNDS = 1",
        "what is escaped twice is undone once",
        (f"{OF_NORMALIZE}::test_leftovers_go",),
    ),
    Mutant(
        CLEAN + "normalize.py",
        "pieces += [self._prose(text[begin:start], entities), text[start:end]]",
        "pieces += [self._prose(text[begin:end], entities)]",
        "code in fences is rewritten like prose",
        (f"{OF_NORMALIZE}::test_what_is_meant_stays",),
    ),
    Mutant(
        CLEAN + "refusals.py",
        'verdicts.records("output")',
        'verdicts.records("all")',
        "questions are judged as refusals",
        (f"{OF_REFUSALS}::test_prompts_and_plain_texts_are_not_judged",),
    ),
    Mutant(
        CLEAN + "refusals.py",
        'if _STRENGTH[found.label] >= _STRENGTH[labels[answer.row] or "none"]:',
        "if found.label:",
        "the last answer of a conversation names it, not the strongest finding",
        (f"{OF_REFUSALS}::test_the_strongest_finding_of_a_conversation_names_it",),
    ),
    Mutant(
        CLEAN + "refusal_score.py",
        "if rule and score >= threshold:",
        "if rule and score > threshold:",
        "a score at the threshold is no refusal",
        (f"{OF_REFUSALS}::test_the_threshold_is_what_the_score_is_held_against",),
    ),
    Mutant(
        CLEAN + "refusal_score.py",
        "words_in(rest) < MIN_KEPT * words_in(text)",
        "words_in(rest) < 1",
        "a remark is cut off though it is most of the answer",
        (f"{OF_REFUSALS}::test_a_remark_that_is_most_of_the_answer_stays",),
    ),
    Mutant(
        CLEAN + "quality.py",
        'whole if output is None and names == ["text"] else output',
        "whole if output is None else output",
        "a question alone is measured as if it was to be learned",
        (f"{OF_QUALITY}::test_the_target_is_the_output_or_the_plain_text",),
    ),
    Mutant(
        CLEAN + "quality.py",
        "for reason, one in used.items() if reason not in _LENGTH)",
        "for one in used.values())",
        "a short answer is one of low quality",
        (f"{OF_QUALITY}::test_the_length_of_a_text_is_no_measure_of_its_quality",),
    ),
)
