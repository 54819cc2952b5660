"""`seedbed explain` and the evidence: bytes at a place are the file's, spans are the text's."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.engine.account import load_run
from pipeline.engine.run import run_recipe
from pipeline.recipe.checked import read_recipe
from pipeline.views import index
from pipeline.views.explain import explain, newest_run
from pipeline.views.lives import life_of, source_bytes
from pipeline.views.named import ids_at, ids_of
from stages.corpus import Corpus
from stages.errors import UsageError
from stages.place import Place
from stages.records import fields
from tests.pipeline import world


def kept(folder: Path) -> list[dict[str, Any]]:
    return [row for table in Corpus(folder / "corpus").batches() for row in table.to_pylist()]


def rejects(folder: Path, account: dict[str, Any]) -> list[dict[str, Any]]:
    steps = [step for step in account["steps"] if step["counts"]]
    return [row for step in steps for row in Corpus(folder / step["folder"]).rejects().to_pylist()]


def test_the_bytes_of_kept_records_stand_at_their_places(sample_run: Path) -> None:
    account = load_run(sample_run)
    rows = kept(sample_run)
    seed = random.SystemRandom().randrange(1 << 32)
    print("seed", seed)
    chosen = random.Random(seed).sample(rows, 30)
    compared = sum(stands_at_its_place(row, sample_run, account) for row in chosen)
    assert compared >= 20


def stands_at_its_place(row: dict[str, Any], folder: Path, account: dict[str, Any]) -> bool:
    """Compare the bytes that explain shows with the file's own, read here; False for a row whose
    place is within compressed data."""
    life = life_of(row["id"], folder, account)
    assert [chapter.row["id"] for chapter in life.chapters] == [row["id"]] * len(life.chapters)
    place = life.place
    full = Path(re.split(r"[*?]", life.source["full"])[0])
    path = full if full.is_file() else full / place.path
    if path.suffix == ".gz":
        return False
    data = path.read_bytes()
    if place.offset is not None and place.length is not None:
        assert data[: place.offset].count(b"\n") == (place.line or 0) - 1
        data = data[place.offset : place.offset + place.length]
    assert life.raw == data, row["place"]
    return True


def test_every_reason_can_be_explained_and_its_evidence_is_in_the_text(sample_run: Path) -> None:
    account = load_run(sample_run)
    reasons: dict[tuple[str, str], dict[str, Any]] = {}
    spans = 0
    for reject in rejects(sample_run, account):
        reasons.setdefault((reject["stage"], reject["reason"]), reject)
        evidence = json.loads(reject["evidence"])
        if "span" in evidence:
            spans += 1
            begin, end = evidence["span"]
            life = life_of(reject["id"], sample_run, account)
            before = life.chapters[-2].row
            text = dict(fields(before, "all"))[evidence["field"]]
            assert text[begin:end] == evidence["match"]
    assert spans >= 10 and len(reasons) >= 12
    for (stage, reason), reject in reasons.items():
        told = explain(reject["id"], sample_run)
        assert f"{'failed' if reject['failed'] else 'dropped'}, {reason}" in told, (stage, told)
    compared = [
        key for key, one in reasons.items() if stands_at_its_place(one, sample_run, account)
    ]
    assert {reason for _, reason in set(reasons) - set(compared)} <= {"truncated"}


def test_a_line_of_a_file_is_explained(sample_run: Path, sample_data: Path) -> None:
    account = load_run(sample_run)
    file = sample_data / "instructions" / "instructions.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines()
    assert len(ids_at(file, 3, sample_run, account)) == 1
    told = explain(f"{file}:3", sample_run)
    assert lines[2][:60] in told and "line 3" in told
    broken = next(n for n, line in enumerate(lines, 1) if line.strip() == "42")
    assert "failed, not_an_object" in explain(f"{file}:{broken}", sample_run)
    page = sample_data / "site" / "guides" / "sowing calendar.html"
    told = explain(f"{page}:40", sample_run)
    assert "01-html-site" in told
    assert re.search(r"^    furniture +\| \w.*\n(    .*\n)*?    kept +\| ", told, re.MULTILINE)


def test_a_file_is_named_from_here_as_in_the_recipe_or_as_in_its_places(
    sample_run: Path, sample_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = load_run(sample_run)
    (wanted,) = ids_at(sample_data / "tables" / "faq.csv", 17, sample_run, account)
    monkeypatch.chdir(sample_data.parent)
    for name in (f"{sample_data.name}/tables/faq.csv", "tables/faq.csv", "faq.csv"):
        assert ids_at(Path(name), 17, sample_run, account) == [wanted], name
    with pytest.raises(UsageError, match="comes from guides/faq"):
        explain("guides/faq.csv:17", sample_run)


def test_a_quoted_field_of_several_lines_is_one_record(sample_run: Path, sample_data: Path) -> None:
    account = load_run(sample_run)
    rows = [row for row in kept(sample_run) if row["source"] == "faq"]
    found = 0
    for row in rows:
        place = Place.parse(row["place"])
        raw = source_bytes(account["sources"][1], place) or b""
        if raw.strip().count(b"\n"):
            found += 1
            second = ids_at(
                sample_data / "tables" / "faq.csv", (place.line or 0) + 1, sample_run, account
            )
            assert second == [row["id"]]
    assert found >= 5


@pytest.mark.parametrize("what", ["f" * 32, "nowhere.jsonl:3", "no such words"])
def test_what_nobody_knows_is_said_in_a_sentence(sample_run: Path, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        explain(what, sample_run)
    assert what.split(":")[0] in str(caught.value)


def test_the_newest_run_is_the_default(sample_run: Path, tmp_path: Path) -> None:
    assert newest_run(sample_run.parent) == sample_run
    with pytest.raises(UsageError):
        newest_run(tmp_path)


def test_the_tokens_are_told_with_what_is_trained_on(sample_run: Path) -> None:
    row = next(row for row in kept(sample_run) if row["source"] == "faq")
    told = explain(row["id"], sample_run)
    answer = row["completion"].splitlines()[0][:40]
    assert f"⟦{answer}" in told and f"⟦{row['prompt'][:20]}" not in told
    assert row["prompt"][:20] in told.partition("tokenize")[2]


# --- a world of its own ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over two sources, with personal data, an address, a line of several records."""
    folder = tmp_path_factory.mktemp("lives")
    rows = [
        {"prompt": f"Q{n}?", "completion": world.prose(n), "url": f"https://x.example/t/{n}/"}
        for n in range(20)
    ]
    rows[3]["completion"] = "Write to jane.doe@mail.example.org or call. " + world.prose(3)
    rows[4]["completion"] = "tiny"
    rows[5]["completion"] = "Evil \x1b[2J\u202e text. " + world.prose(5)
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "b.json").write_text(json.dumps([{"text": world.prose(100 + n)} for n in range(9)]))
    recipe = folder / "t.yaml"
    recipe.write_text(
        "version: 1\nname: t\nsources:\n  - jsonl: {path: a.jsonl, name: a}\n"
        "  - jsonl: {path: b.json, name: b}\n"
        "steps: [normalize, {quality: {min_words: 3}}, pii, dedup]\n"
    )
    return run_recipe(read_recipe(recipe)).folder


def all_ids(folder: Path) -> list[str]:
    steps = [step for step in load_run(folder)["steps"] if step["source"]]
    corpora = [Corpus(folder / step["folder"]) for step in steps]
    return [row for corpus in corpora for row in corpus.table(["id"]).column("id").to_pylist()]


@pytest.mark.parametrize("what", ["https://x.example/t/3", "https://x.example/t/3/#reply"])
def test_an_address_names_its_record(small: Path, what: str) -> None:
    told = explain(what, small)
    assert "line 4," in told and "jane.doe@mail" in told and told.count("record   ") == 1


def test_a_piece_of_text_names_its_records(small: Path) -> None:
    words = world.prose(7).split()
    assert "line 8," in explain(" ".join(words[3:6]), small)
    some = explain("Q1", small)  # 1 and 10 to 19
    assert "11 records are meant; this was the first of them" in some
    assert some.count("kept  a.jsonl@") == 10
    assert len(ids_of("Q1", small, load_run(small))) == 11


def test_all_records_of_a_line_are_told(small: Path) -> None:
    ids = ids_of(f"{small.parent.parent / 'b.json'}:1", small, load_run(small))
    assert len(ids) == 9
    assert "9 records are meant" in explain("b.json:1", small)


def test_a_change_is_a_difference_with_what_left_and_why(small: Path) -> None:
    told = explain("https://x.example/t/3/", small)
    assert re.search(r"completion \| .*\[-jane\.doe@mail\.example\.org-\]\{\+\S+\+\}", told)
    assert "left it: 25 characters as masked" in told
    assert "pii: 1" in told and "05-pii: changed" in told


def test_what_left_is_told_with_the_value_that_keeps_it(small: Path) -> None:
    told = explain("https://x.example/t/4/", small)
    assert "dropped, too_short (fewer words than min_words)" in told
    assert "with `min_words` at 1 or less it would have stayed here (it is 3)" in told


def test_hostile_text_moves_no_cursor(small: Path) -> None:
    told = explain("https://x.example/t/5/", small)
    assert "\\x1b[2J\\u202e" in told and "\x1b" not in told and "\u202e" not in told


def test_a_life_is_the_same_by_the_index_and_without(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = load_run(small)
    wanted = {one: life_of(one, small, account) for one in all_ids(small)}
    assert len(wanted) == 29
    monkeypatch.setattr(index, "MANY", 1)
    store = Path(account["store"])
    before = world.stored(store.parent)
    assert {one: life_of(one, small, account) for one in wanted} == wanted
    made = world.stored(store.parent) - before
    assert len(made) == 2  # one a source
    monkeypatch.setattr(index, "_made", lambda corpus: pytest.fail("the index is made once"))
    assert {one: life_of(one, small, account) for one in wanted} == wanted
    monkeypatch.undo()
    monkeypatch.setattr(index, "MANY", 1)
    gone = {**account, "store": str(small / "no store")}
    assert life_of(all_ids(small)[0], small, gone).id == all_ids(small)[0]  # type: ignore[arg-type]
    assert not (small / "no store").exists()


def test_a_row_is_named_by_table_and_key(tmp_path: Path) -> None:
    (tmp_path / "d.sql").write_text(
        "CREATE TABLE posts (id int, thread int, body text);\n"
        + "".join(
            f"INSERT INTO posts VALUES ({n}, {n // 2}, '{world.prose(n)}');\n" for n in range(8)
        )
    )
    recipe = world.recipe(tmp_path, "sql: {path: d.sql, table: posts, text: body}")
    folder = run_recipe(read_recipe(recipe)).folder
    account = load_run(folder)
    (one,) = ids_of("posts[id=5]", folder, account)
    (place,) = [life_of(one, folder, account).chapters[0].row["place"]]
    assert f":{5 + 2}!posts" in place
    assert len(ids_of("posts[thread=2]", folder, account)) == 2
    with pytest.raises(UsageError, match="no TABLE"):
        ids_of("posts[id=50]", folder, account)


def test_the_rows_of_training_are_told(sample_run: Path) -> None:
    row = next(row for row in kept(sample_run) if row["source"] == "faq")
    told = explain(row["id"], sample_run)
    assert re.search(r"^packed +row [\d,]+ of [\d,]+ of 2,048 tokens", told, re.MULTILINE)
