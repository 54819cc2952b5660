"""`seedbed evaluate`: losses and answers before and after, against transformers and by hand."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import cli
from stages.errors import UsageError
from stages.train import choices
from stages.train.asked import Pair
from stages.train.choices import Asking, Question, prompt_of, read, share, verdicts
from stages.train.data import read_documents
from stages.train.validation import losses_of, mean_of
from tests.cases.train import tiny_corpus
from tests.train.talking import TEMPLATE, adapter_beside, talking_model

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

MMLU = """"What is sown in May?",Beans,"Peas, early",Garlic,Nothing,A
"How deep, in ""cm""?",1,3,9,27,B
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder with tokens and an adapter, its base beside it."""
    from stages.train.handover import write_tokenizer

    folder = tmp_path_factory.mktemp("evaluate")
    base = talking_model(folder / "base")
    (folder / "run").mkdir()
    made = adapter_beside(base, folder / "run" / "adapter")
    write_tokenizer(base, made, TEMPLATE)
    tiny_corpus(folder / "run" / "tokens")
    return folder / "run"


@pytest.fixture(scope="module")
def pair(run: Path) -> Pair:
    return Pair(run / "adapter", str(run.parent / "base"), "cpu", "fp32")


def model_of(run: Path, trained: bool) -> Any:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(run.parent / "base", dtype=torch.float32)
    return PeftModel.from_pretrained(model, run / "adapter").eval() if trained else model.eval()


# --- the validation side ------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["base", "trained"])
def test_losses_are_those_of_transformers(run: Path, pair: Pair, side: Any) -> None:
    documents = read_documents(run / "tokens", "val", 99)
    model = model_of(run, side == "trained")
    wanted = []
    for number in range(len(documents)):
        ids, counted = documents.tokens(number)
        labels = [int(i) if c else -100 for i, c in zip(ids, counted, strict=True)]
        with torch.no_grad():
            loss = model(input_ids=torch.tensor([ids.tolist()]), labels=torch.tensor([labels])).loss
        wanted.append(float(loss) * int(documents.targets[number]))
    assert losses_of(pair, side, documents, len(documents)) == pytest.approx(wanted, rel=1e-5)


def test_the_error_of_a_loss_counts_records_not_tokens() -> None:
    # two records of 10 tokens, of mean loss 1 and 3: mean 2, error sqrt(2) / sqrt(2) = 1
    found = mean_of([10.0, 30.0], [10, 10])
    assert found.mean == 2.0 and found.error == pytest.approx(1.0)
    assert math.isnan(mean_of([10.0], [10]).error)
    # a record that is longer weighs more
    assert mean_of([10.0, 90.0], [10, 30]).mean == 2.5


def test_the_standard_error_of_a_share_is_the_binomials() -> None:
    mean, error = share([1.0] * 30 + [0.0] * 70)
    assert mean == 0.3 and error == pytest.approx(math.sqrt(0.3 * 0.7 / 99))
    assert math.isnan(share([1.0])[1])


# --- files of questions -------------------------------------------------------------------------

BEANS = Question("What is sown in May?", ("Beans", "Peas, early", "Garlic", "Nothing"), 0)
FORMS = {
    "mmlu.csv": MMLU,
    "head.csv": "question,A,B,C,D,answer\n" + MMLU,
    "list.jsonl": json.dumps({"question": BEANS.text, "choices": list(BEANS.options), "answer": 0}),
    "letter.jsonl": json.dumps({"question": BEANS.text, "options": list(BEANS.options),
                                "answer": "A"}),
    "text.jsonl": json.dumps({"question": BEANS.text, "choices": list(BEANS.options),
                              "answer": "Beans"}),
    "arc.jsonl": json.dumps({"question": BEANS.text, "answerKey": "1", "choices": {
        "text": list(BEANS.options), "label": ["1", "2", "3", "4"]}}),
    "keys.jsonl": json.dumps({"question": BEANS.text, "answer": "A",
                              **dict(zip("ABCD", BEANS.options, strict=True))}),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_the_usual_forms_are_read(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(FORMS[name])
    found = read(tmp_path / name)
    assert found[0] == BEANS
    if name.endswith(".csv"):
        assert found[1:] == [Question('How deep, in "cm"?', ("1", "3", "9", "27"), 1)]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.csv", b"a,b,c,E\n" * 2, r"a\.csv:1: the answer 'E' is none of A, B"),
        ("a.csv", b"q,1,2,A\nq,1\n", r"a\.csv:2: 2 columns; a row is question, options, answer"),
        ("a.csv", b'q,1,2,A\n"q,1,2,A\n', r"a\.csv:2: no CSV"),
        ("a.csv", b" ,1,2,A\n", r"a\.csv:1: no question"),
        ("a.csv", b"", r"a\.csv holds no questions"),
        ("a.csv", b"q\xff,1,2,A\n", "is no UTF-8"),
        ("a.jsonl", b'{"question": "q"}\n', "a.jsonl:1: no list of 2 to 26 options"),
        ("a.jsonl", b"\n[]\n", "a.jsonl:2: no JSON object"),
        ("a.jsonl", b"{" * 50_000, "a.jsonl:1: no JSON object"),
        ("a.jsonl", b'{"question": "q", "choices": ["a", "b"], "answer": true}', "the answer"),
        ("a.jsonl", b'{"question": "q", "choices": ["a", "b"], "answer": -1}', "the answer"),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_line(
    name: str, data: bytes, words: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UsageError, match=words) as caught:
        read(tmp_path / name)
    assert "\n" not in str(caught.value)


@given(
    st.lists(
        st.text(
            st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1, max_size=9
        ).filter(str.strip),
        min_size=3,
        max_size=8,
    ),
    st.data(),
)
def test_any_row_that_csv_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, cells: list[str], data: Any
) -> None:  # fmt: skip
    import csv

    right = data.draw(st.integers(0, len(cells) - 2))
    path = tmp_path_factory.mktemp("row") / "q.csv"
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerow([*cells, choices.LETTERS[right]])
    assert read(path) == [Question(cells[0], tuple(cells[1:]), right)]


# --- prompts and verdicts -----------------------------------------------------------------------


def test_the_prompt_is_mmlus() -> None:
    told = prompt_of(BEANS, "letter", [Question("Q?", ("x", "y"), 1)], "early peas")
    assert told == (
        "The following are multiple choice questions (with answers) about early peas.\n\n"
        "Q?\nA. x\nB. y\nAnswer: B\n\n"
        "What is sown in May?\nA. Beans\nB. Peas, early\nC. Garlic\nD. Nothing\nAnswer:"
    )
    assert prompt_of(BEANS, "text") == "Question: What is sown in May?\nAnswer:"
    assert choices.subject_of(Path("high_school_physics_test.csv")) == "high school physics"
    assert choices.subject_of(Path("mine.csv")) is None


@pytest.mark.parametrize("by", ["letter", "text"])
@pytest.mark.parametrize("side", ["base", "trained"])
def test_scores_are_the_log_probabilities_of_the_options(
    run: Path, pair: Pair, by: Any, side: Any
) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(run / "adapter")
    model = model_of(run, side == "trained")
    text = prompt_of(BEANS, by)
    before = tokenizer(text)["input_ids"]
    wanted = []
    for letter, option in zip("ABCD", BEANS.options, strict=True):
        answer = letter if by == "letter" else option
        ids = tokenizer(f"{text} {answer}")["input_ids"]
        with torch.no_grad():
            likely = torch.log_softmax(model(torch.tensor([ids])).logits[0], -1)
        score = sum(float(likely[at - 1, ids[at]]) for at in range(len(before), len(ids)))
        wanted.append(score if by == "letter" else score / len(answer))
    with pair.of(side) as loaded:
        found = choices._scores(pair, loaded, BEANS, Asking(by))
    assert found == pytest.approx(wanted, abs=1e-4)
    right = [Question(BEANS.text, BEANS.options, at) for at in range(4)]
    best = wanted.index(max(wanted))
    assert verdicts(pair, side, right, Asking(by)) == [at == best for at in range(4)]


def test_a_question_by_the_template_ends_where_an_answer_begins(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    plain = pair.ids_of
    monkeypatch.setattr(pair, "ids_of", lambda text: asked.append(text) or plain(text))
    verdicts(pair, "base", [BEANS], Asking(chat=True))
    assert asked[0].endswith("Answer:<|end|><|assistant|>") and asked[1].endswith("|>A")


def test_a_question_longer_than_the_model_reads_is_counted(pair: Pair) -> None:
    long = Question("word " * 3000, ("a", "b"), 0)
    assert verdicts(pair, "base", [long], Asking()) == [None]


# --- the command --------------------------------------------------------------------------------


def test_the_command_measures_all_and_writes_the_figures(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "q.csv").write_text(MMLU)
    words = ["evaluate", str(run), "--device", "cpu", "--precision", "fp32", "--choices", "q.csv"]
    (tmp_path / "mine.json").write_text('{"mine": 1}')
    assert cli.command([*words, "-o", "mine.json"]) == 2
    assert "mine.json is no file of seedbed's" in capsys.readouterr().err
    assert (tmp_path / "mine.json").read_text() == '{"mine": 1}'
    (tmp_path / "out.json").write_text('{"made_by": "seedbed"}')
    assert cli.command([*words, "-o", "out.json"]) == 0
    shown = capsys.readouterr().out
    told = json.loads((tmp_path / "out.json").read_text())
    assert told["base_is_the_trained_one"] and told["base"] == "base"
    part = told["validation"]
    assert part["records"] == 6
    change = part["trained"]["mean"] - part["base"]["mean"]
    assert part["change"]["mean"] == pytest.approx(change)
    assert part["change"]["error"] > 0
    assert f"validation, 6 records, {part['tokens']:,} tokens\n" in shown
    assert (
        f"  change   {part['change']['mean']:>+9.4f} ± {part['change']['error']:.4f} nats" in shown
    )
    (asked,) = told["choices"]
    assert asked["questions"] == 2 and asked["chance"] == 0.25 and asked["too_long"] == 0
    assert "q.csv, 2 questions by letter\n" in shown and "right (chance 0.250)" in shown


def test_what_cannot_be_measured_is_said(run: Path, tmp_path: Path, capsys: Any) -> None:
    alone = tmp_path / "adapter"
    shutil.copytree(run / "adapter", alone)
    assert cli.command(["evaluate", str(alone)]) == 2
    assert "shows no tokens to measure on" in capsys.readouterr().err
    tiny_corpus(tmp_path / "none", 4, 0)
    assert cli.command(["evaluate", str(alone), "--tokens", str(tmp_path / "none")]) == 2
    assert "no record of split val" in capsys.readouterr().err
