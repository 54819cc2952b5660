"""Changes of the reader of dumps in XML."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

ROOM = "stages/extract/xmldump/"
TESTS = "tests/extract/test_xml.py"
OF_WIKI = "tests/extract/test_wikitext.py"

MUTANTS = (
    Mutant(
        ROOM + "wikitext.py",
        '            self._remove("template", self._size(frame))\n',
        "            pass\n",
        "templates leave wikitext uncounted",
        (f"{OF_WIKI}::test_what_goes_is_counted_by_its_kind",),
    ),
    Mutant(
        ROOM + "wikilines.py",
        "            while waiting and waiting[-1][0] >= level:\n"
        "                _drop(waiting.pop()[1], page)\n",
        "",
        "headings that nothing follows stay",
        (f"{OF_WIKI}::test_headings_that_nothing_follows_go",),
    ),
    Mutant(
        ROOM + "reading.py",
        "        if not self._path:  # one more of these: nothing of the last one is left\n",
        "        if False:\n",
        "what an older revision has and the last one has not is read",
        (f"{TESTS}::test_of_several_revisions_the_last_is_read_and_nothing_of_others",),
    ),
    Mutant(
        ROOM + "stackexchange.py",
        '            " ORDER BY id = ? DESC, score DESC, id",\n',
        '            " ORDER BY id = -? DESC, score DESC, id",\n',
        "the accepted answer counts no more than others",
        (f"{TESTS}::test_a_question_has_its_accepted_or_its_best_answer",),
    ),
    Mutant(
        ROOM + "stackexchange.py",
        '            yield _refused(place, post, "no_question", {})\n',
        "            pass\n",
        "answers without a question vanish",
        (f"{TESTS}::test_rows_that_make_no_pair_are_told",),
    ),
    Mutant(
        ROOM + "wordpress.py",
        '    if status != "publish" or values.get("wp:post_password", "").strip():\n',
        '    if status != "publish":\n',
        "posts behind a password are read",
        (f"{TESTS}::test_what_is_not_public_or_no_post_is_told",),
    ),
    Mutant(
        ROOM + "html_text.py",
        '        made.removed["shortcode"] = gone\n',
        "        pass\n",
        "shortcodes leave uncounted",
        (f"{TESTS}::test_a_post_is_markdown_with_its_terms",),
    ),
)
