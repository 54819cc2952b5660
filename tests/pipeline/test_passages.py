"""What `explain` shows of a page: its passages in their order, each in a line."""

from __future__ import annotations

from pipeline.views import passages
from stages.extract.html import HtmlExtract
from stages.extract.jsonl import JsonlExtract
from stages.place import Place

LINE = "The tide gauge was read twice a day and written down by hand in the harbour book."
MORE = f"<p>{'b' * 81}</p>"
PLACE = Place("page.html")


def told(page: str) -> list[str]:
    return passages.told(HtmlExtract(), PLACE, page.encode())


def test_passages_stand_beside_each_other_in_the_order_of_the_page() -> None:
    lines = told(f"<nav>Home</nav><nav>Sitemap</nav><p>{LINE}</p>{MORE}<footer>Ad</footer>")
    assert lines == [
        "  in its order:",
        "    navigation | Home Sitemap",
        f"    kept       | {LINE} {'b' * 78} … (163 characters)",
        "    footer     | Ad",
    ]


def test_what_is_long_is_cut_and_what_is_many_is_summed_up() -> None:
    lines = told(f"<nav>{'Home ' * 100}</nav>" + f"<p>{LINE}</p>" * 20)
    assert lines[1].endswith("Home … (499 characters)") and len(lines[1]) < 220
    pair = f"<p>{LINE}</p><nav>Menu</nav>"
    lines = told(pair * 60)
    assert len(lines) == 82
    assert lines[-1] == "    40 passages more, in characters: kept 1,620, navigation 80"


def test_a_page_that_was_dropped_shows_why_each_passage_went() -> None:
    lines = told("<nav>Home</nav><p>Closed on Mondays.</p>")
    assert lines[1:] == ["    navigation | Home", "    too_short  | Closed on Mondays."]


def test_a_source_without_passages_shows_none() -> None:
    assert passages.told(JsonlExtract(), Place("a.jsonl"), b'{"text": "a"}') == []
    assert told("<p></p>") == []
