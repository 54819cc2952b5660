"""Extraction: SQL dumps, CSV, JSON, pages, archives; above all where a fast way stands beside a
careful one, and where what is read is cut."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

DUMPS, TABLES = "stages/extract/sqldump/", "stages/extract/delimited/"
JSON, PAGES, PACKED = (
    "stages/extract/jsontext/",
    "stages/extract/webpage/",
    "stages/extract/packed/",
)
OF_DUMPS, OF_TABLES = "tests/extract/test_sqldump.py", "tests/extract/test_csv.py"
OF_RANGES = "tests/extract/test_ranges_of_tables.py"
WAYS = ("tests/extract/test_sql_ways.py::test_the_ways_of_reading_agree",)
FORMS = "stages/extract/forms/"
OF_PAIRS, OF_TREES = "tests/extract/test_forms_of_pairs.py", "tests/extract/test_flat_trees.py"
OF_PG, OF_EXPORTS = "tests/extract/test_pg_archives.py", "tests/extract/test_mariadb_exports.py"
OF_PEOPLE = "tests/extract/test_tables_as_people_have_them.py"
OF_ACCOUNT = "tests/extract/test_html_account.py"
OF_WRAPPED = "tests/extract/test_html_archives.py"
OF_ARCHIVES, OF_DAMAGE = "tests/extract/test_archives.py", "tests/extract/test_damaged.py"

MUTANTS = (
    # --- exports of databases: whose quote, whose escape, whose end of a row ---
    Mutant(
        TABLES + "exports.py",
        "{escape}(?:[0'\\\"{mark}",
        "{escape}(?:[^N{mark}",
        "a quote within text escapes whatever follows it",
        (OF_EXPORTS,),
    ),
    Mutant(
        TABLES + "exports.py",
        "share >= STEADY and twice < broken",
        "share >= STEADY",
        "where most quotes are written twice they are taken as they stand",
        (OF_EXPORTS, OF_TABLES),
        argued="the form then loses against the usual one, which reads more rows: no table was "
        "found that tells the two apart, nor any of 1,282 files",
    ),
    Mutant(
        TABLES + "cells.py",
        "if last is None or (short and last.end() == len(text)):",
        "if last is None:",
        "a quote before a line's end in a text ends its field",
        (f"{OF_EXPORTS}::test_a_quote_at_a_line_s_end_within_a_text_that_nothing_escapes",),
    ),
    Mutant(
        TABLES + "dialect.py",
        "if larger > max(share, STEADY) and more >= good:",
        "if larger > 2:",
        "LF that is text ends rows that end in CR LF",
        (f"{OF_EXPORTS}::test_a_table_without_nulls_is_read_back",),
    ),
    Mutant(
        TABLES + "dialect.py",
        "even = len(rows) < _FEW_ROWS or count >= _MOST * len(rows)",
        "even = True",
        "a width by accident cuts texts into columns",
        (
            OF_EXPORTS
            + "::test_a_table_without_header_whose_texts_hold_the_delimiter_is_refused_whole",
        ),
    ),
    # --- web archives: what a damage costs ---
    Mutant(
        PACKED + "compressed.py",
        "found = _next_gzip(self._file, damaged + 1, self._first)",
        "found = None",
        "a damaged record ends its web archive",
        (f"{OF_WRAPPED}::test_a_damaged_stream_of_a_packed_web_archive_costs_its_record",),
    ),
    Mutant(
        PAGES + "warc.py",
        "        if not _fails_check(reader.stream):\n            yield from held\n",
        "        yield from held\n",
        "a record whose checksum is wrong is kept",
        (f"{OF_WRAPPED}::test_a_damaged_stream_of_a_packed_web_archive_costs_its_record",),
    ),
    Mutant(
        PACKED + "archives.py",
        "return size - (at if whole else file.tell())",
        "return 0",
        "a stopped tar does not say what is left",
        (f"{OF_ARCHIVES}::test_too_many_members_are_told",),
    ),
    # --- dumps: the pattern of a row beside the reading token by token ---
    Mutant(
        DUMPS + "literals.py",
        r"""rb"(?:[^\\]++|\\[bnrt\\'\"])*+")""",
        r"""rb"(?:[^\\]++|\\[0bnrt\\'\"])*+")""",
        "a MySQL \\0 before digits is octal",
        (f"{OF_DUMPS}::test_a_zero_escape_before_digits_is_no_octal",),
    ),
    Mutant(
        DUMPS + "literals.py",
        r"""b"%": b"\\%",""",
        r"""b"%": b"%",""",
        "MySQL's \\% loses its backslash",
        (f"{OF_DUMPS}::test_mysql_escapes",),
    ),
    Mutant(
        DUMPS + "columns.py",
        "            if not inner and oracle:\n                return None\n",
        "",
        "Oracle's empty text is no NULL to the fast way",
        WAYS,
    ),
    Mutant(
        DUMPS + "columns.py",
        """return decode(inner.replace(b"''", b"'") if b"''" in inner else inner)""",
        "return decode(inner)",
        "a doubled quote stays doubled on the fast way",
        WAYS,
    ),
    Mutant(
        DUMPS + "columns.py",
        'return token.decode("ascii").lstrip("+") if',
        'return token.decode("ascii") if',
        "a decimal keeps its plus on the fast way",
        WAYS,
    ),
    Mutant(
        DUMPS + "columns.py",
        'if backslash and b"\\\\" in inner:',
        'if b"\\\\" in inner:',
        "a backslash escapes on the fast way where it is a letter",
        WAYS,
    ),
    Mutant(
        DUMPS + "insert.py",
        "plan.keep is None and not plan.numbers",
        "plan.keep is None",
        "columns that number themselves stay NULL on the fast way",
        WAYS,
    ),
    Mutant(
        DUMPS + "insert.py",
        "        values = tuple([values[n] for n in plan.keep])\n",
        "        values = values[: len(plan.keep)]\n",
        "the last columns are left out for the generated ones",
        WAYS,
    ),
    Mutant(
        DUMPS + "insert.py",
        "if plan.width is not None and len(found) != plan.width:",
        "if plan.width is not None and len(found) > plan.width:",
        "a row of a dump that is too narrow is told as one with a bad value",
        ("tests/extract/test_sql_ways.py::test_a_row_of_another_width_says_so",),
    ),
    Mutant(
        DUMPS + "insert.py",
        '        if mark == b",":\n            window.pos = match.end()\n',
        "        if mark:\n            window.pos = match.end()\n",
        "what follows a statement is read as its rows on the fast way",
        WAYS,
    ),
    # --- dumps: charsets, COPY, settings, borders of chunks ---
    Mutant(
        DUMPS + "charset.py",
        'if key in ("latin1", "cp1252"):\n            return _latin1',
        'if key in ("latin1", "cp1252"):\n            return lambda data: data.decode("latin-1")',
        "MySQL's latin1 is ISO 8859-1",
        (f"{OF_DUMPS}::test_mysql_latin1_is_windows_1252_without_holes",),
    ),
    Mutant(
        DUMPS + "charset.py",
        r'"gbk": (rb"\x81-\xfe", rb"[\x40-\x7e\x80-\xfe]"),',
        r'"gbk": (rb"\x81-\xfe", rb"[\x40-\x5b\x5d-\x7e\x80-\xfe]"),',
        "a character of GBK that ends in a backslash escapes what follows",
        (f"{OF_DUMPS}::test_a_backslash_byte_that_ends_a_character_is_no_escape",),
    ),
    Mutant(
        DUMPS + "copy.py",
        "None if field == null else",
        "None if field in (null, b'') else",
        "an empty text in COPY is NULL",
        (f"{OF_DUMPS}::test_copy_options_and_odd_tables",),
    ),
    Mutant(
        DUMPS + "copy.py",
        "None if field == null else",
        "None if _unescape(field) == null else",
        "a text that reads \\N in COPY is NULL",
        (f"{OF_DUMPS}::test_copy_text",),
    ),
    Mutant(
        DUMPS + "copy.py",
        "return _backslashes(field, 0, len(field)) % 2 == 1",
        "return field.endswith(b'\\\\')",
        "a field in COPY that ends in a backslash takes the next one with it",
        (f"{OF_DUMPS}::test_mysql_and_copy_round_trips",),
    ),
    Mutant(
        DUMPS + "dialect.py",
        'match[1].lower() in (b"off", b"false", b"0")',
        "bool(match[1])",
        "PostgreSQL's standard strings have escapes",
        (f"{OF_DUMPS}::test_postgres_strings",),
    ),
    Mutant(
        DUMPS + "dialect.py",
        "if version is None or version < 50700:",
        "if version is None or version < 60000:",
        "a comment for MySQL 5.7 is run in a dump of MariaDB",
        (f"{OF_DUMPS}::test_versioned_comments_run_as_the_server_would",),
    ),
    Mutant(
        DUMPS + "window.py",
        "self.closing in self._tail + data[:64]",
        "self.closing in data[:64]",
        "the closing line of a dump is not seen across two reads",
        (
            "tests/extract/test_sql_ways.py::"
            "test_the_closing_line_of_a_tool_is_seen_wherever_it_is_cut",
        ),
    ),
    Mutant(
        DUMPS + "window.py",
        "(self._tail + data[-size:])[-size:]",
        "data[-size:]",
        "the closing line of a dump is not seen across several reads",
        (
            "tests/extract/test_sql_ways.py::"
            "test_the_closing_line_of_a_tool_is_seen_wherever_it_is_cut",
        ),
    ),
    Mutant(
        DUMPS + "reader.py",
        "if not self._told_cut and self.by_tool and not self._watched.closed:",
        "if not self._told_cut and self.by_tool and self.was_cut:",
        "a dump that ends between two statements is not told as cut off",
        (
            "tests/extract/test_sql_ways.py::"
            "test_the_closing_line_of_a_tool_is_seen_wherever_it_is_cut",
        ),
    ),
    # --- CSV ---
    Mutant(
        TABLES + "sheet.py",
        "if self._padded or fields in self._widths:",
        "if self._padded or fields <= expected:",
        "a row narrower than the named columns is read",
        (f"{OF_TABLES}::test_rows_of_another_width_are_refused_or_filled_up",),
    ),
    Mutant(
        TABLES + "sheet.py",
        "return set() if any(self.header[usual:]) else {usual}",
        "return {usual}",
        "rows narrower than the named columns are read where most are",
        (f"{OF_TABLES}::test_values_never_slide_under_other_names",),
    ),
    Mutant(
        TABLES + "sheet.py",
        "if row.ended or self._stream.fault is None:",
        "if row.ended or row.cells:",
        "the row in which a file breaks off is read",
        (f"{OF_TABLES}::test_a_cut_archive_gives_its_whole_rows",),
    ),
    Mutant(
        TABLES + "table.py",
        "len(self._used) == 1 or not self.width or len(cells) == self.width",
        "len(self._used) > 0",
        "a quote that is not closed takes the rows behind it",
        (f"{OF_TABLES}::test_a_quote_that_is_not_closed_takes_no_row_with_it",),
    ),
    Mutant(
        TABLES + "table.py",
        "if cells is not None and self._cut.split_quote(body):",
        "if cells is not None and self._reader is None and self._cut.split_quote(body):",
        "delimiters between quotes within fields are taken for columns",
        (f"{OF_TABLES}::test_a_quote_that_opens_within_a_field_is_not_taken_for_columns",),
    ),
    Mutant(
        TABLES + "table.py",
        "cells = [None if cell == self.null else cell for cell in cells]",
        "cells = [None if cell in (self.null, '') else cell for cell in cells]",
        "an empty field is NULL where another text is NULL",
        (f"{OF_TABLES}::test_what_the_user_calls_null_is_null_and_nothing_else",),
    ),
    Mutant(
        TABLES + "cells.py",
        "return None if null else self._unescaped(text)",
        "return self._unescaped(text)",
        "a database's \\N is text",
        (f"{OF_TABLES}::test_the_text_formats_of_databases_keep_null_apart_from_text",),
    ),
    Mutant(
        TABLES + "cells.py",
        "        if self.dialect.letters:\n            return self._escape",
        "        if self.dialect.escape:\n            return self._escape",
        "a backslash before a letter is lost where it escapes quotes alone",
        (f"{OF_TABLES}::test_a_backslash_before_a_letter_stays_where_it_escapes_quotes",),
    ),
    Mutant(
        TABLES + "table.py",
        "looked = self._stop is not None and self._offset > self._stop",
        "looked = False",
        "a range depends on lines behind its end, and nobody knows",
        (f"{OF_RANGES}::test_a_row_that_ends_behind_its_range_is_found_out",),
    ),
    Mutant(
        TABLES + "table.py",
        "or self._credit < _IN_VAIN or self._odd.learns",
        "or self._credit < _IN_VAIN",
        "a later range guesses the charset of its lines anew",
        (f"{OF_RANGES}::test_a_charset_that_is_learnt_from_lines_is_no_secret_of_a_range",),
    ),
    Mutant(
        TABLES + "cuts.py",
        "for which in (free, ~free):",
        "for which in (free,):",
        "a range that would begin within quotes begins at a wrong place",
        (f"{OF_RANGES}::test_the_cuts_of_a_clean_file_hold_at_once",),
    ),
    Mutant(
        "stages/extract/jsonl.py",
        "                        over = True",
        "                        over = False",
        "rows that wait for those of a later range are read without them",
        ("tests/extract/test_flat_trees.py::test_rows_that_wait_join_over_ranges",),
    ),
    # --- JSON ---
    Mutant(
        JSON + "lines.py",
        "stream.read(size if stop is None else min(size, stop - offset))",
        "stream.read(size)",
        "lines of the next range are read too",
        ("tests/extract/test_jsonl.py::test_the_size_of_parts_changes_nothing",),
    ),
    Mutant(
        JSON + "lines.py",
        "while found >= 0 and (found - at) % unit:",
        "while found >= 0 and found < at:",
        "a character of UTF-16 with a byte of a line end breaks the line",
        ("tests/extract/test_jsonl.py::test_offsets_hold_in_every_charset",),
    ),
    Mutant(
        JSON + "json_values.py",
        "return text if math.isinf(value) else value",
        "return value",
        "a number beyond a double is Infinity, which JSON does not have",
        ("tests/extract/test_jsonl.py::test_a_number_beyond_a_double_stays_as_it_was_written",),
    ),
    Mutant(
        JSON + "json_values.py",
        "    if len(made) != len(pairs):\n",
        "    if not made and pairs:\n",
        "of two values under one key the last one is taken",
        ("tests/extract/test_jsonl.py::test_a_line_is_refused_with_its_reason",),
    ),
    # --- pages ---
    Mutant(
        PAGES + "select.py",
        "        title = next((b for b in found.kept[:5] if b.kind",
        "        title = next((b for b in found.blocks[:5] if not b.kind",
        "the title of an article stays in its text",
        (f"{OF_ACCOUNT}::test_every_reason_is_given[title]",),
    ),
    Mutant(
        PAGES + "account.py",
        "            characters = block.characters\n            if block.cut:",
        "            characters = block.characters + block.ticks\n            if block.cut:",
        "marks of code are counted as the page's text",
        (f"{OF_ACCOUNT}::test_backticks_leave_a_record_of_plain_text",),
    ),
    Mutant(
        PAGES + "account.py",
        '            count.remove("backticks", own)\n',
        "",
        "backticks that a record of plain text lacks are in no account",
        (f"{OF_ACCOUNT}::test_backticks_leave_a_record_of_plain_text",),
    ),
    Mutant(
        PAGES + "account.py",
        "        for reason, characters in unseen.items():\n"
        "            count.remove(reason, characters)\n",
        "",
        "what the parser never shows is in no account",
        (f"{OF_ACCOUNT}::test_every_reason_is_given",),
    ),
    Mutant(
        PAGES + "decode.py",
        "declared = _of_header(content_type) or _of_page(data)",
        "declared = _of_header(content_type)",
        "the charset that a page declares is not heard",
        ("tests/extract/test_html.py::test_a_page_is_read_in_the_charset_that_it_declares",),
    ),
    Mutant(
        PAGES + "warc.py",
        "        if lost is not None:\n",
        "        if False:\n",
        "bytes between the records of a web archive are passed over in silence",
        (f"{OF_WRAPPED}::test_damage_of_a_web_archive_costs_its_record",),
    ),
    Mutant(
        PAGES + "mhtml.py",
        "    if not found.ended:\n",
        "    if False:\n",
        "a saved page that is cut is read as if it were whole",
        (f"{OF_WRAPPED}::test_a_damaged_saved_page_says_so",),
    ),
    Mutant(
        PAGES + "epub.py",
        "        if beside or not listed:\n",
        "        if beside:\n",
        "pages outside a book's order become chapters",
        (f"{OF_WRAPPED}::test_a_book_is_its_chapters_in_their_order",),
    ),
    Mutant(
        "stages/clean/markup.py",
        'removed = {"tags": max(0, len(old) - told), **found.removed}',
        'removed = {"tags": max(0, len(old) - told)}',
        "text of HTML that is not shown leaves a record in silence",
        ("tests/clean/test_markup.py::test_what_is_not_shown_is_counted_by_its_reason",),
    ),
    # --- archives ---
    Mutant(
        PACKED + "compressed.py",
        "if self._alone or not self._another():",
        "if self._alone or self._state.eof:",
        "of several streams in a file the first one is all",
        (f"{OF_ARCHIVES}::test_streams_one_after_the_other_are_one_file",),
    ),
    Mutant(
        PACKED + "compressed.py",
        'raise EOFError("the compressed data end before their end")',
        'return b""',
        "a compressed file that is cut is whole",
        (f"{OF_ARCHIVES}::test_a_cut_file_gives_what_stands_before_the_cut_and_one_fault",),
    ),
    Mutant(
        PACKED + "compressed.py",
        "            while left and (data := self.source.read(min(left, CHUNK))):\n"
        "                left -= len(data)\n",
        "",
        "what stands before damage is given twice",
        ("tests/extract/test_compressed.py::test_all_that_stands_before_damage_is_read",),
    ),
    Mutant(
        PACKED + "zips.py",
        "        if number in shared:\n",
        "        if number in shared and not label:\n",
        "two members of a zip over the same bytes are both read",
        (f"{OF_DAMAGE}::test_entries_over_the_same_bytes_are_refused",),
    ),
    Mutant(
        PACKED + "labels.py",
        '            label = f"{name}~{number + 1}"\n',
        '            label = f"{name}~2"\n            break\n',
        "the third member of one name has the place of the second",
        (f"{OF_ARCHIVES}::test_each_member_of_one_name_has_a_place_of_its_own",),
    ),
    Mutant(
        PACKED + "archives.py",
        "elif kind is not None and inner is not None and not (",
        'elif kind is not None and inner == "zip" and not (',
        "what is compressed twice is read as text",
        (f"{OF_ARCHIVES}::test_archives_in_archives_are_faults",),
    ),
    # --- what people ask, and in what form: pairs, trees, bytes ---
    Mutant(
        FORMS + "layout.py",
        'others["rejected"] = self._size(worse)',
        'others["rejected"] = 0',
        "the worse answer of a preference pair goes without a count",
        (f"{OF_PAIRS}::test_of_a_preference_pair_the_better_answer_is_taken",),
    ),
    Mutant(
        FORMS + "asked.py",
        "return value if text else None",
        "return value",
        "the name of a table is taken for what is asked about",
        (f"{OF_PAIRS}::test_a_name_of_one_word_is_nothing_that_is_asked_about",),
    ),
    Mutant(
        FORMS + "values.py",
        "return None, value.length",
        "return None, 0",
        "bytes that are no text are left out without a count",
        ("tests/extract/test_forms.py::test_bytes_that_are_no_text_are_left_out_of_meta_and_told",),
    ),
    Mutant(
        "stages/extract/sqldump/reader.py",
        "        for match in _NEXT.finditer(window.data, window.pos):\n",
        "        for match in ():\n",
        "a quote without its end costs the rest of the dump",
        ("tests/extract/test_sql_resumed.py::test_reading_goes_on_at_the_next_statement",),
    ),
    Mutant(
        "stages/extract/sqldump/reader.py",
        "if named is None or not self.schemas or self.schema(named[1]) is not None:",
        "if True:",
        "a text that shows SQL is taken for a statement",
        (
            "tests/extract/test_sql_resumed.py::test_a_text_that_only_shows_statements_is_no_statement",
        ),
    ),
    Mutant(
        "stages/extract/delimited/dialect.py",
        'best = replace(best, quote="", escape="")',
        "pass",
        "quotes that are text make rows that are refused",
        (f"{OF_PEOPLE}::test_quotes_that_the_program_did_not_write_are_text",),
    ),
    Mutant(
        "stages/extract/flat_trees.py",
        "    found[again] = _LOST  #",
        "    found[found == _LOST] = _ROOT  #",
        "an answer to what is not there begins a talk",
        (f"{OF_TREES}::test_what_belongs_to_no_tree_is_told",),
    ),
    Mutant(
        "stages/records.py",
        """    return _HALF.sub(lambda half: f"\\\\u{ord(half[0]):04x}", text)""",
        """    return encodable(text)""",
        "half a character in meta becomes another one",
        ("tests/test_records.py::test_half_a_character_in_meta_is_read_back",),
    ),
    Mutant(
        "stages/extract/columnar.py",
        "yield batch.rename_columns(numbered(batch.schema.names))",
        "yield batch",
        "the first of two columns of one name is lost",
        ("tests/extract/test_columnar.py::test_the_second_of_two_columns_of_one_name_is_numbered",),
    ),
    # --- archives of pg_dump, dates, exports ---
    Mutant(
        PACKED + "pg_archives.py",
        """if "/" in name or name in ("", ".", ".."):""",
        """if name in ("", ".", ".."):""",
        "an archive reads a file outside of its folder",
        (f"{OF_PG}::test_a_folder_that_leads_out_of_itself_is_refused",),
    ),
    Mutant(
        PACKED + "pg_archives.py",
        "            if not stat.S_ISREG(about.st_mode):\n",
        "            if stat.S_ISDIR(about.st_mode):\n",
        "a link in an archive is followed",
        (f"{OF_PG}::test_a_folder_that_leads_out_of_itself_is_refused",),
    ),
    Mutant(
        DUMPS + "dates.py",
        'turns = {"postgres": 70, "mysql": 70}.get(dialect, 50',
        'turns = {"postgres": 70, "mysql": 70}.get(dialect, 100',
        "RR is taken to be of this century",
        ("tests/extract/test_sql_dates.py::test_models_of_oracle",),
    ),
    Mutant(
        DUMPS + "insert.py",
        "            shape = _without_numbers(shape)\n",
        "            pass\n",
        "values stand in the columns before their own where a server numbers one",
        ("tests/extract/test_sql_dates.py::test_a_script_of_sql_server",),
    ),
    Mutant(
        TABLES + "exports.py",
        "return 2 * len(quoted) < len(words) or not words",
        "return True",
        "quotes around all fields are taken for text",
        (f"{OF_EXPORTS}::test_every_way_to_write_a_table_is_read_back",),
    ),
    Mutant(
        TABLES + "cells.py",
        "if self.dialect.nulls and short and found.end() + 1 == len(text):",
        "if False:",
        "a line's end that a quote escapes ends the row",
        (f"{OF_EXPORTS}::test_every_way_to_write_a_table_is_read_back",),
    ),
)
