"""Changes of the readers of documents."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

ROOM = "stages/extract/document/"
OF_TEXTS = "tests/extract/test_documents.py"
OF_WORD = "tests/extract/test_word.py"
OF_PDF = "tests/extract/test_pdf.py"

MUTANTS = (
    Mutant(
        ROOM + "lines.py",
        "            if one + other in self._known:\n",
        "            if one:\n",
        "every hyphen at the end of a line is taken away",
        (f"{OF_PDF}::test_a_hyphen_goes_only_where_the_file_has_the_word",),
    ),
    Mutant(
        ROOM + "lines.py",
        "    return heads if within <= _MOST * whole else [set() for _ in pages]\n",
        "    return heads\n",
        "pages of one form are taken for running heads and vanish",
        (f"{OF_PDF}::test_pages_of_one_form_are_no_running_heads",),
    ),
    Mutant(
        ROOM + "pdf.py",
        "            if not lines and self._raw.FPDFPage_CountObjects(page):\n"
        "                self.pictures.append(number + 1)\n",
        "",
        "pages that are pictures beside others with text are not told",
        (f"{OF_PDF}::test_pictures_of_pages_need_ocr_and_are_told_beside_text",),
    ),
    Mutant(
        ROOM + "order.py",
        "        if placed and run[0].base > placed[-1].base and _fits(run, placed):\n",
        "        if False:\n",
        "what was drawn later is read at the end of the page",
        (f"{OF_PDF}::test_what_is_drawn_later_into_a_gap_is_read_there",),
    ),
    Mutant(
        ROOM + "order.py",
        "    return between and free >= _FITS * len(run)\n",
        "    return True\n",
        "columns are read line by line across the page",
        (f"{OF_PDF}::test_columns_are_read_one_after_the_other",),
    ),
    Mutant(
        ROOM + "front.py",
        "            if isinstance(event, AliasEvent) or depth",
        "            if depth",
        "an alias in front matter makes values of any size",
        (f"{OF_TEXTS}::test_front_matter_that_cannot_be_read_is_kept_as_it_stands",),
    ),
    Mutant(
        ROOM + "written.py",
        '            count.remove("heading", nonspace(heading))\n',
        "",
        "headings that only headings follow leave in silence",
        (f"{OF_TEXTS}::test_a_heading_that_only_headings_follow_is_in_their_path_and_counted",),
    ),
    Mutant(
        ROOM + "word_text.py",
        '        elif name == "mc:Fallback" or self._skipped:\n            self._skipped += 1\n',
        "",
        "what stands twice in a Word document for older readers is read twice",
        (f"{OF_WORD}::test_what_stands_for_older_readers_is_not_read_again",),
    ),
    Mutant(
        ROOM + "word.py",
        "            counts.pop(level, None)\n",
        "",
        "a list that begins anew goes on with the numbers of the last",
        (f"{OF_WORD}::test_lists_are_numbered_as_word_numbers_them",),
    ),
    Mutant(
        "stages/extract/xml_events.py",
        "        parser.EntityDeclHandler = _entity\n",
        "",
        "entities that XML declares are expanded",
        (f"{OF_WORD}::test_hostile_documents_are_refused_with_a_reason",),
    ),
    Mutant(
        "stages/extract/xml_events.py",
        "        if self._depth > DEEPEST:\n",
        "        if self._depth > 1000 * DEEPEST:\n",
        "elements lie within one another without end",
        (f"{OF_WORD}::test_hostile_documents_are_refused_with_a_reason",),
    ),
    Mutant(
        ROOM + "word_text.py",
        'self.remove("note", sum(_text_size(one) for note in notes.values() for one in note))',
        "pass",
        "notes that nothing refers to vanish unsaid",
        (f"{OF_WORD}::test_no_word_of_a_document_leaves_unsaid",),
    ),
    Mutant(
        ROOM + "word_text.py",
        "                if self._found(line) != before:\n                    return\n",
        "                return\n",
        "what only the older of two ways to draw it holds is lost",
        (f"{OF_WORD}::test_no_word_of_a_document_leaves_unsaid",),
    ),
    Mutant(
        "stages/extract/packed/labels.py",
        "self._package = _PARTS.get(name, self._package)",
        "self._package = _PARTS.get(name, {})",
        "an office document is named only where its main part comes last",
        (
            "tests/extract/test_file_kinds.py"
            "::test_an_office_document_called_otherwise_is_named_with_its_reader",
        ),
    ),
)
