"""Markup of data becomes the Markdown of pages; text that is none stays, and all is accounted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.charts.records import warnings
from stages.clean.bbcode import bbcode, phpbb
from stages.clean.markup import ConvertMarkup
from stages.corpus import write_corpus
from stages.extract.webpage.page import page
from stages.markup import written_in
from stages.records import REJECTS, to_table

BODY = (
    "<h2>Yeast</h2><p>Keep it <em>warm</em>, at 30 &deg;C; 10<sup>3</sup> cells.</p>"
    "<ol><li>flour</li><li>water</li></ol>"
    "<pre><code class=lang-sh>weigh --all\n  flour</code></pre>"
    "<table><tr><th>day</th><th>rise</th></tr><tr><td>1</td><td>2 cm</td></tr></table>"
    "<blockquote><p>It bubbled.</p></blockquote>"
)


def undressed(text: str, **parameters: Any) -> str:
    (row,) = ConvertMarkup(**parameters)([{"text": text}])
    return str(row["text"])


def test_html_becomes_what_a_page_of_it_is() -> None:
    told = page(f"<body><article>{BODY}<p>{'It rose well. ' * 20}</p></article>".encode()).markdown
    assert told.startswith(undressed(BODY)) and "```sh" in told and "| day | rise |" in told


def test_nothing_in_a_fragment_is_a_menu() -> None:
    menu = "<div class=footer><a href=x>Home</a></div><form><button>Ask</button></form>"
    assert undressed(f"{menu}<p>It is.</p>") == "Home\n\nAsk\n\nIt is."


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("Stir [i]well[/i],\nthen [b][u]wait[/u][/b].", "Stir well,\n\nthen wait."),
        ("[quote=Ida]Two eggs.[/quote]Three.", "> Two eggs.\n\nThree."),
        ("[code]for x in y[i]:\n  [b]z[/b] < 1[/code]", "```\nfor x in y[i]:\n  [b]z[/b] < 1\n```"),
        ("[list][*]salt[*]oil[/list]", "- salt\n- oil"),
        ("[list=1][*]salt[*]oil[/list]", "1. salt\n2. oil"),
        ("[url=http://a.test/?a=1&copy=2]here[/url] [img]http://a.test/p.png[/img]", "here"),
        ("[url]http://a.test/?a=1&copy=2[/url]", "http://a.test/?a=1&copy=2"),
        ("[B:1f2e3d4c]old[/B:1f2e3d4c] board: a[i] + b[b]", "old board: a[i] + b[b]"),
        ("[size=5]a < b &amp; c[/size] [nothing]x[/nothing]", "a < b & c [nothing]x[/nothing]"),
        ("[quote]half, [b]bold[/b]", "[quote]half, bold"),
        ("[table][tr][td]a[/td][td]b[/td][/tr][tr][td]c[/td][td]d[/td][/tr][/table]",
         "| a | b |\n| --- | --- |\n| c | d |"),
    ],
)  # fmt: skip
def test_bbcode(text: str, made: str) -> None:
    assert written_in(text) == "bbcode" and undressed(text) == made


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("<t>Warm &lt;water&gt;<br/>\nand salt</t>", "Warm <water>\n\nand salt"),
        (
            '<r><QUOTE author="Ida"><s>[quote="Ida"]</s>Why?<e>[/quote]</e></QUOTE>\n'
            '<URL url="http://a.test"><s>[url=http://a.test]</s>See<e>[/url]</e></URL>'
            " <E>:)</E></r>",
            "> Why?\n\nSee :)",
        ),
        (
            "<r><CODE><s>[code]</s><i>\n</i>a &lt; b\n  c<e>[/code]</e></CODE>"
            '<LIST type="decimal">'
            "<s>[list=1]</s><LI><s>[*]</s>x</LI><e>[/list]</e></LIST><IMG src='p'><s>[img]</s>p"
            "<e>[/img]</e></IMG><S><s>[s]</s>gone<e>[/s]</e></S></r>",
            "```\na < b\n  c\n```\n\n1. x\n\ngone",
        ),
    ],
)  # fmt: skip
def test_what_phpbb_stores(text: str, made: str) -> None:
    assert written_in(text) == "phpbb" and undressed(text) == made


@pytest.mark.parametrize(
    "text",
    [
        "2 < 3 and 5 > 4, a[i] = b[i]",
        "# Bread\n\nFlour<br>and **water**, see [the book](a.md).\n\n- salt",
        "```html\n<p>Say</p>\n```\nSo <b>it</b> is.",
        "Write `<b>so</b>` and `[b]so[/b]`.",
        "The tag <b> begins and </b> ends bold text.",
        "In BBCode a word is [b]bold[/b].",
        "List<String> names = new ArrayList<String>();",
        "Dear <name>, thank you.",
        "",
    ],
)
def test_what_is_no_markup_stays(text: str) -> None:
    assert written_in(text) == "" and undressed(text) == text


def test_a_format_that_is_given_is_not_looked_for() -> None:
    text = "In HTML bold is <b>bold</b> &amp; [i]more[/i]."
    assert undressed(text) == text
    assert undressed(text, format="html") == "In HTML bold is bold & more."
    assert undressed("a\nb <c>", format="bbcode") == "a\n\nb <c>"


def test_line_ends_of_html_without_blocks_are_meant() -> None:
    assert undressed("It is <i>warm</i>.\nIt rises.") == "It is warm.\n\nIt rises."
    assert undressed("It is <i>warm</i>.<br />\nIt [b]rises[/b].") == "It is warm.\n\nIt rises."
    assert undressed("<p>It\nrises.</p>") == "It rises."


def test_a_record_of_tags_alone_leaves_and_one_with_an_answer_stays() -> None:
    rejects: list[dict[str, Any]] = []
    rows = ConvertMarkup()(
        [
            {"prompt": "Show it.", "completion": "<img src=a.png>"},
            {"prompt": "<img src=a.png>", "completion": "A loaf."},
        ],
        rejects,
    )
    assert [row["completion"] for row in rows] == ["A loaf."]
    assert [one["reason"] for one in rejects] == ["empty"]
    assert json.loads(rejects[0]["evidence"])["field"] == "completion"


PIECES = [
    *("<p>", "</p>", "<b>", "</b>", "&amp;", "&#x41;", "<svg>x</svg>", "<pre>", "</pre>", "<br>"),
    *("[b]", "[/b]", "[code]", "[/code]", "[*]", "[list]", "[/list]", "[img]", "[/img]", "\n", "`"),
    *("<r>", "</r>", "<s>", "</s>", "<p hidden>", "<script>a</script>", "<math><mi>x</mi>"),
]


@given(
    st.lists(st.sampled_from([*PIECES, " words ", "é", "x"]), max_size=30).map("".join),
    st.sampled_from(["auto", "html", "bbcode", "phpbb"]),
)
def test_all_characters_are_accounted_for(text: str, format: Any) -> None:
    row = {"id": "1", "source": "s", "place": "", "text": text}
    judged = ConvertMarkup(format=format).split(to_table([row]))
    count = judged.counts.text
    assert count.seen == len(text) == count.kept + sum(count.removed.values())
    if judged.kept.num_rows:
        assert len(judged.kept["text"][0].as_py()) == count.kept + count.added


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_boards_never_make_a_text_disappear(text: str) -> None:
    words = "".join(f"{piece}word{number} " for number, piece in enumerate(text.split("]")))
    made = undressed(words.replace("img", "url"), format="bbcode")
    assert all(f"word{number}" in made for number in range(len(text.split("]"))))
    assert isinstance(bbcode(text, True), str) and isinstance(phpbb(text), str)


def test_what_is_not_shown_is_counted_by_its_reason() -> None:
    text = "<p>Salt</p><p hidden>not yet</p><select><option>coarse</select>"
    row = {"id": "1", "source": "s", "place": "", "text": text}
    count = ConvertMarkup().split(to_table([row])).counts.text
    assert count.removed == {"tags": len(text) - 16, "hidden": 6, "form": 6} and count.kept == 4


def test_a_source_with_markup_is_told_with_its_remedy(tmp_path: Path) -> None:
    plain = [{"id": str(n), "source": "s", "place": "", "text": "Salt it."} for n in range(95)]
    dressed = [{**plain[0], "id": f"d{n}", "text": "<p>Salt it.</p>"} for n in range(6)]
    posts = [{**plain[0], "id": "p", "source": "t", "text": "[b]Salt[/b] it."}]
    rest = [{**row, "id": f"r{n}"} for n, row in enumerate(plain * 5)]
    for name, rows in (("few", plain + dressed[:5] + rest), ("many", plain + dressed + posts)):
        write_corpus(tmp_path / name, "records", [(to_table(rows), REJECTS.empty_table())], {})
    assert warnings(tmp_path / "few") == []
    of_s, of_t = warnings(tmp_path / "many")
    assert of_s.startswith("5.9 % of the first 101 records of s hold undressed HTML")
    assert of_t.startswith("100 % of the first 1 records of t hold undressed BBCode")
    assert "`markup`" in of_s
