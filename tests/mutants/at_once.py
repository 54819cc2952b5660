"""Rows that come many at once: what is cut out of a region, what is left to the careful way."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

SLICES, DUMPS = "stages/extract/slices.py", "stages/extract/sqldump/"
TABLES, FORMS = "stages/extract/delimited/", "stages/extract/forms/at_once.py"
OF_DUMPS, OF_TABLES = "tests/extract/test_dumps_at_once.py", "tests/extract/test_csv_at_once.py"
OF_ROWS = "tests/test_rows_at_once.py"

MUTANTS = (
    Mutant(
        SLICES,
        "found: Flags = (np.cumsum(quotes, dtype=np.int32) & 1) == 0",
        "found: Flags = np.ones(len(quotes), np.bool_)",
        "marks within strings cut rows",
        (OF_DUMPS, OF_TABLES),
    ),
    Mutant(
        SLICES,
        "return size + size // 2 if start >= self._long else 0",
        "return 0",
        "a row that is longer than a region is read alone",
        (OF_DUMPS, OF_TABLES),
    ),
    Mutant(
        SLICES,
        "elif not taken or (unusual and 4 * taken < max(size, _REACH)):",
        "elif 4 * taken < max(size, _REACH):",
        "a short row before a long one is taken for a sign of unusual ones",
        (OF_DUMPS, OF_TABLES),
    ),
    Mutant(
        SLICES,
        "self._long, self._until = start + size, start + 1",
        "self._until = start + 1",
        "the end of each of many open quotes is looked for up to the file's",
        (OF_TABLES,),
    ),
    Mutant(
        TABLES + "clean.py",
        "if len(feeds) < OPEN_LINES and len(data) < LINE_BYTES:",
        "if True:",
        "the end of a quote is looked for behind what a row may have",
        (OF_TABLES,),
    ),
    Mutant(
        SLICES,
        "good[which[len(self.opens) :] // string.shape[1]] = False",
        "pass",
        "a cell that begins with a quote behind all strings is one",
        (OF_DUMPS, OF_TABLES),
        "only an open string begins so, and where it begins nothing more is looked at",
    ),
    Mutant(
        SLICES,
        "if not numbers.cast(pa.string()).equals(texts):",
        "if False:",
        "numbers keep their leading zeros",
        (OF_DUMPS,),
    ),
    Mutant(
        SLICES,
        "pc.invert(pc.match_substring_regex(texts, _SMALL))",
        "short",
        "small floats are written as they stand",
        (OF_DUMPS,),
    ),
    Mutant(
        DUMPS + "clean.py",
        "escapes = escapes[(letters != 37) & (letters != 95)]",
        "escapes = escapes[letters != 37]",
        "a backslash before _ is left out",
        (OF_DUMPS,),
    ),
    Mutant(
        DUMPS + "clean.py",
        'zip(b"0bnrtZ", b"\\0\\b\\n\\r\\t\\x1a", strict=True)',
        'zip(b"0bnrt", b"\\0\\b\\n\\r\\t", strict=True)',
        "backslash Z is the letter",
        (OF_DUMPS,),
    ),
    Mutant(
        DUMPS + "clean.py",
        "escaping = slash & (((index - run) & 1) == 0)",
        "escaping = slash",
        "each backslash of a run escapes",
        (OF_DUMPS,),
    ),
    Mutant(
        DUMPS + "clean.py",
        "good[ends] = fits & (data[at[:, None] + np.arange(len(head))] == head).all(axis=1)",
        "good[ends] = fits",
        "what has the length of a head is one",
        (OF_DUMPS,),
    ),
    Mutant(
        DUMPS + "clean.py",
        "        if reader.zero_is_next and pc.any(pc.equal(numbers, 0)).as_py():\n"
        "            raise Unusual\n",
        "",
        "0 stays 0 in a column that numbers itself",
        (OF_DUMPS,),
    ),
    Mutant(
        DUMPS + "clean_copy.py",
        "    good[np.searchsorted(marks[:, -1], odd)] = False\n",
        "",
        "an escape by number is its letters",
        (OF_DUMPS,),
    ),
    Mutant(
        DUMPS + "clean_copy.py",
        "good &= (data[last - 1] != _RETURN) & (last > begins[:, 0])",
        "good &= last > begins[:, 0]",
        "a carriage return at the end of a row of COPY is text",
        (OF_DUMPS,),
    ),
    Mutant(
        TABLES + "clean.py",
        "    good &= np.searchsorted(strings.opens, last) == np.cumsum(string.sum(axis=1))\n",
        "",
        "a quote may stand within a bare field",
        (OF_TABLES,),
    ),
    Mutant(
        TABLES + "clean.py",
        "        good &= (several == 0) | ~_swallowing(",
        "        good &= (several == 0) | True | ~_swallowing(",
        "a quote takes in whole rows",
        (OF_TABLES,),
    ),
    Mutant(
        TABLES + "clean.py",
        "(data[begins[:, 0]] != _MARK)",
        "(size > 0)",
        "the mark of another file is text",
        (OF_TABLES,),
    ),
    Mutant(
        TABLES + "clean.py",
        "(again := _equal(texts, names, null)).any()",
        "(again := _equal(texts, names, null)).all()",
        "the header once more is a row",
        (OF_TABLES,),
    ),
    Mutant(
        FORMS,
        "said = np.where(said == 0, rows.ends - rows.begins, said)",
        "said = said",
        "a row of quotes alone has no characters",
        (OF_TABLES,),
    ),
    Mutant(
        FORMS,
        "if bare is not False and known.text.null_count:",
        "if False:",
        "the name of a table is written as a number is",
        (OF_DUMPS,),
    ),
    Mutant(
        "stages/siblings.py",
        "number = self._again.get(key, 1 if key in known else 0)",
        "number = self._again.get(key, 0)",
        "what came in an earlier block is forgotten",
        (OF_ROWS,),
    ),
    Mutant(
        "stages/arrays.py",
        "for byte in sorted(there, key=lambda byte: byte != 92):",
        "for byte in there:",
        "backslashes of escapes are escaped",
        (OF_ROWS,),
    ),
    Mutant(
        "stages/reading.py",
        "cuts = {0, size, max(0, min(size, passed - before))}",
        "cuts = {0, size}",
        "a block of which a part arrived comes whole again",
        (OF_ROWS,),
    ),
    Mutant(
        "stages/extract/sqldump/clean.py",
        "(gap == 0) | ((gap == 1) & blank)",
        "gap <= 1",
        "any byte may stand between two rows of a dump",
        ("tests/extract/test_dumps_at_once.py",),
    ),
    Mutant(
        "stages/extract/sqldump/clean.py",
        "null = (first == _NULL[0]) & (ends - begins == 4)",
        "null = (first == _NULL[0]) & (ends - begins >= 4)",
        "a bare word that begins like NULL is no value",
        ("tests/extract/test_dumps_at_once.py",),
    ),
    Mutant(
        "stages/extract/delimited/clean.py",
        "and not (dialect.escape or dialect.nulls",
        "and not (dialect.nulls",
        "what a backslash escapes is read array-wise with the backslash",
        ("tests/extract/test_csv_at_once.py::test_what_a_backslash_escapes_is_read_alone",),
    ),
)
