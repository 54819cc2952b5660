"""`seedbed check`: each finding on a file that has it, with its line; files of other trainers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stages.audit import texts, values
from stages.audit.finding import Finding, Findings, where
from stages.audit.kinds import KINDS as KINDS_OF_FINDINGS
from stages.audit.tool import checked
from stages.errors import UsageError
from stages.sketch.folder import File
from tests.pipeline.world import HOME, environment, prose, seedbed


def found_in(folder: Path, *lines: Any, name: str = "train.jsonl") -> dict[str, Finding]:
    """The findings on lines of JSON, or of text, by kind."""
    written = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    (folder / name).write_text("\n".join(written) + "\n", encoding="utf-8")
    return {finding.kind: finding for finding in checked(folder / name).findings}


def pair(number: int, **more: Any) -> dict[str, Any]:
    return {"prompt": f"What is {prose(number)}?", "completion": prose(number + 500), **more}


def talk(*said: tuple[str, str], **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": text, **more} for role, text in said]}


GOOD = [pair(n) for n in range(4)]
ASKED, ANSWERED = ("user", prose(900)), ("assistant", prose(901))
# kind → (lines after four good ones, of which the first has it; its grade)
KINDS: dict[str, tuple[list[Any], str]] = {
    "malformed": (['{"prompt": "a", '], "lost"),
    "duplicate_key": (['{"prompt": "a", "prompt": "b", "completion": "c"}'], "lost"),
    "not_an_object": (["[1, 2]"], "lost"),
    "no_form": ([{"a": 1}], "lost"),
    "bad_type": ([{"prompt": "a", "completion": 7}], "lost"),
    "empty": ([{"prompt": "a", "completion": " "}], "lost"),
    "encoding": (['{"prompt": "a\\ud800", "completion": "b"}'], "lost"),
    "role": ([talk(("user", prose(1)), ("narrator", prose(2)), ANSWERED)], "lost"),
    "mojibake": ([{"prompt": "The cafÃ© is itâ€™s own", "completion": prose(3)}], "changed"),
    "replaced": ([{"prompt": "The caf\ufffd here", "completion": prose(3)}], "changed"),
    "control": ([{"prompt": "a\x01b is what?", "completion": prose(3)}], "changed"),
    "line_end": ([{"prompt": "one\u2028two", "completion": prose(3)}], "changed"),
    "mixed_types": ([pair(9, id=7), pair(10, id="x"), pair(11, id="y")], "changed"),
    "big_number": ([pair(9, id=9007199254740993)], "changed"),
    "not_a_number": (['{"prompt": "a b", "completion": "c d", "score": NaN}'], "changed"),
    "exact_duplicate": ([pair(0)], "wasted"),
    "near_duplicate": (
        [{"prompt": f"What is {prose(0)}?", "completion": prose(500) + " also"}], "wasted"),
    "no_answer": ([talk(ASKED)], "wasted"),
    "same_answer": (
        [{"prompt": "a b?", "chosen": prose(5), "rejected": prose(5) + "\n"}], "wasted"),
    "all_masked": (
        [{"messages": [{"role": "user", "content": "a b"},
                       {"role": "assistant", "content": "c d", "weight": 0}]}], "wasted"),
    "ends_unanswered": ([talk(ASKED, ANSWERED, ("user", prose(5)))], "wasted"),
    "begins_answering": ([talk(ANSWERED, ASKED, ("assistant", prose(5)))], "note"),
    "late_system": ([talk(ASKED, ("system", "Be kind."), ANSWERED)], "note"),
    "same_twice": ([talk(ASKED, ("user", prose(7)), ANSWERED)], "note"),
    "other_answer": ([pair(0) | {"completion": prose(77)}], "note"),
    "refusal": (
        [pair(5) | {"completion": "I'm sorry, but I can't help with that request."}], "note"),
    "boilerplate": (
        [pair(5) | {"completion": f"As an AI language model, I have no body. {prose(6)}"}],
        "note"),
    "markup": ([pair(5) | {"completion": f"<p>{prose(8)}</p><ul><li>a</li></ul>"}], "note"),
}  # fmt: skip


def test_each_finding_has_its_line_and_its_grade(tmp_path: Path) -> None:
    lines, wanted = [*GOOD], {}
    for kind, (more, grade) in KINDS.items():
        lines += more
        wanted[kind] = (grade, f"train.jsonl:{len(lines)}")
    found = found_in(tmp_path, *lines)
    assert {*wanted} <= {*found}
    told = {kind: (found[kind].grade, f"{found[kind].places}") for kind in wanted}
    assert all(told[kind][0] == grade for kind, (grade, _) in wanted.items())
    for kind, (_, place) in wanted.items():
        assert f"'{place}'" in told[kind][1] or kind.endswith("duplicate"), kind
    assert all(one.count <= 6 for one in found.values()), {k: f.places for k, f in found.items()}


def test_every_kind_is_tried_here() -> None:
    elsewhere = {"late_key", "mark", "charset", "missing_word", "number_text", "no_known_column"}
    elsewhere |= {"leak_prompt", "leak_run", "leak_near", "untrained", "too_long"}
    assert {*KINDS_OF_FINDINGS} - elsewhere <= {*KINDS}


def test_a_duplicate_names_the_other_record(tmp_path: Path) -> None:
    found = found_in(tmp_path, *GOOD, pair(0))
    (places, details) = found["exact_duplicate"].places, found["exact_duplicate"].details
    both = {f"{places[0]} {details[0]}"}
    assert both <= {"train.jsonl:1 as train.jsonl:5", "train.jsonl:5 as train.jsonl:1"}
    assert [*found] == ["exact_duplicate"]


def test_nothing_is_found_in_good_lines(tmp_path: Path) -> None:
    assert found_in(tmp_path, *GOOD) == {}


def test_what_stands_behind_the_first_megabytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(values, "_BLOCK", 1000)
    lines = [pair(0), pair(1, early="x"), *[pair(n) for n in range(2, 40)]]
    found = found_in(tmp_path, *lines, pair(41, extra="x"))
    assert found["late_key"].places == ["train.jsonl:41"]
    assert found["late_key"].details == ["'extra'"]


def test_marks_and_charsets(tmp_path: Path) -> None:
    text = json.dumps(GOOD[0]) + "\n"
    (tmp_path / "a.jsonl").write_bytes(b"\xef\xbb\xbf" + text.encode())
    (tmp_path / "b.jsonl").write_text(text, encoding="utf-16")
    kinds = [[f.kind for f in checked(tmp_path / name).findings] for name in ("a.jsonl", "b.jsonl")]
    assert kinds == [["mark"], ["charset", "mark"]]


def test_lists_and_compressed_files(tmp_path: Path) -> None:
    import gzip

    rows = [*GOOD, pair(9, id=2**60)]
    (tmp_path / "a.json").write_text(json.dumps(rows, indent=1))
    (tmp_path / "b.jsonl.gz").write_bytes(
        gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode())
    )
    for name, line in (("a.json", 18), ("b.jsonl.gz", 5)):
        (finding,) = checked(tmp_path / name).findings
        assert (finding.kind, finding.places) == ("big_number", [f"{name}:{line}"])


def test_tables_of_text(tmp_path: Path) -> None:
    lines = ["nr,question,answer", *(f"{n:03d},{prose(n)}?,{prose(n + 40)}" for n in range(1, 9))]
    lines += [f"009,{prose(20)}?,NA", f"010,{prose(21)}?,one,two", f"011,{prose(22)}?,"]
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    found = {finding.kind: finding for finding in checked(tmp_path / "a.csv").findings}
    assert found["missing_word"].places == ["a.csv:10"]
    assert found["missing_word"].details == ["answer: NA"]
    assert found["number_text"].places[0] == "a.csv:2" and found["number_text"].count == 10
    assert found["too_many_fields"].places == ["a.csv:11"]
    assert found["empty"].places == ["a.csv:12"]


def test_leaks_between_train_and_validation(tmp_path: Path) -> None:
    val = [pair(0), pair(100), {"prompt": "Other?", "completion": prose(502)}, pair(101)]
    (tmp_path / "val.jsonl").write_text("".join(json.dumps(one) + "\n" for one in val))
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(one) + "\n" for one in GOOD))
    found = {f.kind: f for f in checked(tmp_path / "train.jsonl", tmp_path / "val.jsonl").findings}
    assert found["leak_prompt"].places == ["train.jsonl:1"]
    assert found["leak_prompt"].details == ["as val.jsonl:1 of the validation file"]
    assert found["leak_run"].places == ["train.jsonl:3"]
    assert all(finding.grade == "leak" for finding in found.values())


OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "OpenAI": (talk(("system", "Be kind."), ASKED, ANSWERED), "messages ← messages"),
    "TRL": (
        {"prompt": [{"role": "user", "content": prose(601)}],
         "completion": [{"role": "assistant", "content": prose(602)}]}, "messages ←"),
    "LLaMA-Factory alpaca": (
        {"instruction": prose(603), "input": "", "output": prose(604), "system": "x y",
         "history": [[prose(605), prose(606)]]}, "messages ←"),
    "LLaMA-Factory sharegpt": (
        {"conversations": [{"from": "human", "value": prose(607)},
                           {"from": "gpt", "value": prose(608)}], "system": "x"}, "messages ←"),
    "axolotl completion": ({"text": prose(609)}, "text ← text"),
    "TRL preference": (
        {"prompt": prose(610), "chosen": prose(611), "rejected": prose(612)}, "preference pairs"),
}  # fmt: skip


def test_files_of_other_trainers_are_read(tmp_path: Path) -> None:
    lines = [json.dumps(line) + "\n" for line, _ in OTHERS.values()]
    (tmp_path / "a.jsonl").write_text("".join(lines))
    found = checked(tmp_path / "a.jsonl")
    assert found.records == len(OTHERS)
    assert all(any(form in told for told in found.forms) for _, form in OTHERS.values())
    kinds = {finding.kind for finding in found.findings if finding.grade != "note"}
    assert kinds <= {"mixed_types"}, "their forms differ, and that is all"


@pytest.mark.extras
def test_a_model_says_what_would_be_learned(tmp_path: Path) -> None:
    lines = [*GOOD, talk(ASKED), pair(7) | {"completion": " ".join(map(prose, range(60)))}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = checked(tmp_path / "a.jsonl", model="smollm2", max_length=512)
    kinds = {finding.kind: finding for finding in found.findings}
    assert kinds["untrained"].places == ["a.jsonl:5"]
    assert kinds["too_long"].places == ["a.jsonl:6"]
    assert found.targets is not None and found.targets > 50


# --- the command --------------------------------------------------------------------------------


def test_exit_codes_and_json(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.jsonl", tmp_path / "bad.jsonl"
    good.write_text("".join(json.dumps(line) + "\n" for line in GOOD))
    bad.write_text(good.read_text() + "{\n")
    assert "nothing was found" in seedbed("check", good, cwd=tmp_path).stdout
    done = seedbed("check", bad, "--json", cwd=tmp_path, code=3)
    told = json.loads(done.stdout)
    assert told["items"] == 5 and told["records"] == 4
    (finding,) = told["findings"]
    assert finding["kind"] == "malformed" and finding["places"] == ["bad.jsonl:5"]
    missing = seedbed("check", tmp_path / "none.jsonl", cwd=tmp_path, code=2)
    assert "none.jsonl: not found" in missing.stderr
    done = seedbed("check", good, "--val", tmp_path / "none", cwd=tmp_path, code=2)
    assert "none: not found" in done.stderr
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    done = seedbed("check", tmp_path / "a.png", cwd=tmp_path, code=2)
    assert "nothing that a stage reads: PNG image" in done.stderr


def test_hostile_lines_end_nothing(tmp_path: Path) -> None:
    lines = [
        json.dumps(GOOD[1]).encode(),
        b"[" * 200_000,
        b'{"prompt": "' + b"x" * 300_000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b"\xff\xfe\x00",
        b'{"prompt": "\\ud800", "completion": "a"}',
        b"1" * 100_000,
        b'{"prompt": "\x1b[31mred", "completion": "b c d"}',
        json.dumps({"k" * 5000: 1, "prompt": "a b", "completion": "c d"}).encode(),
        json.dumps(GOOD[0]).encode(),
    ]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    done = seedbed("check", "a.jsonl", cwd=tmp_path, code=3)
    assert "\x1b" not in done.stdout and "3 records of 10 items" in done.stdout
    assert "a.jsonl:2" in done.stdout


def test_torch_is_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in GOOD))
    code = (
        "import sys; from pathlib import Path; from stages.audit.tool import checked\n"
        "found = checked(Path('a.jsonl'))\n"
        "assert found.records == 4 and 'torch' not in sys.modules, sorted(sys.modules)"
    )
    subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, env=environment(), check=True, timeout=60
    )


def test_each_grade_comes_in_its_order() -> None:
    findings = Findings()
    for kind in ("markup", "no_answer", "mark", "leak_run", "role"):
        findings.add(kind, "a:1")
    assert [one.grade for one in findings.all()] == ["lost", "leak", "changed", "wasted", "note"]


def test_places_are_files_and_lines() -> None:
    assert where("a.jsonl@10+20:3") == "a.jsonl:3"
    assert where("a.zip#b/c.jsonl@10+20:3") == "a.zip#b/c.jsonl:3"
    assert where("a.json@482+20:1") == "a.json:1 (byte 482)" and where("a.json@1+9:1") == "a.json:1"
    assert where("a.xlsx!Sheet[row=4]") == "a.xlsx Sheet row=4"


def test_items_of_a_list_in_one_line_are_told_apart(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [pair(n) for n in range(9)]
    rows[4]["completion"], rows[6]["completion"] = 7, ""
    (tmp_path / "a.json").write_text(json.dumps(rows))
    kinds = {one.kind: one for one in checked(tmp_path / "a.json").findings}
    at = [json.dumps(rows[:n]).rstrip("]").encode().__len__() + 2 for n in (4, 6)]
    assert kinds["bad_type"].places == [f"a.json:1 (byte {at[0]:,})"] == kinds["mixed_types"].places
    assert kinds["empty"].places == [f"a.json:1 (byte {at[1]:,})"]


def test_worse_answers_in_messages_are_compared(tmp_path: Path) -> None:
    asked, said = {"role": "user", "content": prose(1)}, {"role": "assistant", "content": prose(2)}
    other = {**said, "content": prose(3)}
    pairs = [{"prompt": [asked], "chosen": [said], "rejected": [one]} for one in (other, said)]
    assert found_in(tmp_path, *pairs)["same_answer"].places == ["train.jsonl:2"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--max-length", "9"], "which needs --model"),
        (["--max-length", "0", "--model", "smollm2"], "must be at least 1, not 0"),
    ],
)
def test_a_length_that_cannot_be_meant_is_a_mistake(
    words: list[str], told: str, tmp_path: Path
) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(pair(1)))
    run = seedbed("check", "a.jsonl", *words, cwd=tmp_path, code=2)
    assert told in run.stderr and run.stderr.count("\n") == 1


def test_a_talk_without_text_has_no_answer() -> None:
    findings = Findings()
    message = {"role": "assistant", "content": None, "extra": None}
    row = {"place": "a:1", "text": None, "prompt": None, "completion": None}
    texts.of_records(
        [{**row, "messages": [{"role": "user", "content": "a", "extra": None}, message]}], findings
    )
    assert [one.kind for one in findings.all()] == ["all_masked"]


def test_a_folder_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="not found"):
        checked(HOME / "nowhere")


def test_values_of_a_damaged_file_are_left_to_the_stage(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(b"\x1f\x8b\x08\0" + bytes(30))
    findings = Findings()
    values.of_json(File(tmp_path, "a.jsonl.gz", 34), findings)
    assert findings.all() == []


def test_what_is_for_programs_is_json_whatever_keys_hold(tmp_path: Path) -> None:
    key = "k\x1b[31m\x7f\x85\u202eé"
    lines = [json.dumps({"text": f"{prose(n)}", key: 1 << 70}) for n in range(2)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines) + "\n")
    told = json.loads(seedbed("check", "a.jsonl", "--json", cwd=tmp_path, code=3).stdout)
    (one,) = [one for one in told["findings"] if one["kind"] == "big_number"]
    assert one["details"][0].startswith(f"{key}: ")
