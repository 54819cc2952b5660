"""`seedbed chat`: questions from a pipe and from a terminal, answers of both models."""

from __future__ import annotations

import io
import json
import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages import Merge
from stages.errors import UsageError
from stages.train.asked import Pair, Way
from stages.train.tools.chat import _questions
from tests.pipeline.world import COMMAND, environment, heed_signals
from tests.train.talking import adapter_beside, called, talking_model

torch = pytest.importorskip("torch")
pytest.importorskip("peft")


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter with its tokenizer, beside its base."""
    from stages.train.handover import write_tokenizer
    from tests.train.talking import TEMPLATE

    folder = tmp_path_factory.mktemp("chat")
    base = talking_model(folder / "base")
    made = adapter_beside(base, folder / "adapter")
    write_tokenizer(base, made, TEMPLATE)
    return made


def chat(adapter: Path, text: str | bytes, *more: str, code: int = 0) -> tuple[str, str]:
    words = ["chat", str(adapter), "--tokens", "4", "--device", "cpu", *more]
    said = text if isinstance(text, bytes) else text.encode()
    return called(*words, cwd=adapter.parent, code=code, given=said)


def generated(adapter: Path, with_adapter: bool) -> str:
    """What transformers' own `generate` gives for "When?" """
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(adapter)
    model = AutoModelForCausalLM.from_pretrained(adapter.parent / "base", dtype=torch.float32)
    if with_adapter:
        model = PeftModel.from_pretrained(model, adapter)
    ids = tokenizer("<|user|>When?<|end|><|assistant|>", return_tensors="pt")["input_ids"]
    made = model.generate(ids, max_new_tokens=6, do_sample=False, attention_mask=ids * 0 + 1)
    return str(tokenizer.decode(made[0, ids.shape[1] :], skip_special_tokens=True))


def test_a_pair_answers_as_transformers_does_by_the_saved_template(adapter: Path) -> None:
    pair = Pair(adapter, None, "cpu", "fp32")
    text = pair.rendered([{"role": "user", "content": "When?"}])
    assert text == "<|user|>When?<|end|><|assistant|>"
    parts: list[str] = []
    said = pair.answer("trained", pair.ids_of(text), Way(tokens=6), parts.append)
    assert said == generated(adapter, True) == "".join(parts)
    base = pair.answer("base", pair.ids_of(text), Way(tokens=6))
    assert base == generated(adapter, False) != said


def test_lines_of_a_pipe_are_questions(adapter: Path) -> None:
    lines = ["When?", "", '{"prompt": "When?"}',
             '{"messages": [{"role": "user", "content": "When?"}]}']  # fmt: skip
    out, _ = chat(adapter, "\n".join(lines) + "\n", "--json", "--precision", "fp32")
    found = [json.loads(line) for line in out.splitlines()]
    assert len(found) == 3 and found[0] == found[1] == found[2]
    assert list(found[0]) == ["prompt", "base", "trained"] and found[0]["prompt"] == "When?"


def test_the_trained_model_alone_loads_no_base_to_ask(adapter: Path) -> None:
    assert Pair(adapter, None, "cpu", "fp32", base=False).sides == ("trained",)


def test_draws_differ_by_seed_and_not_by_turn(adapter: Path) -> None:
    pair = Pair(adapter, None, "cpu", "fp32")
    ids = pair.ids_of(pair.rendered([{"role": "user", "content": "When?"}]))
    drawn = [pair.answer("trained", ids, Way(12, 2.0, 1.0, seed)) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"\xff\xfe\n", "line 1 of stdin is no UTF-8"),
        (b"ok\n{nonsense\n", "line 2 of stdin begins like JSON"),
        (b"{" * 100_000, "line 1 of stdin begins like JSON"),
        (b'{"messages": [{"role": 5}]}\n', "line 1 of stdin begins like JSON"),
        (b'{"messages": []}\n', "line 1 of stdin begins like JSON"),
        (b"\n\n" + b"x" * (1 << 20) + b"yz\n", "line 3 of stdin is longer than 1,048,576 bytes"),
    ],
)
def test_a_line_that_is_no_question_is_told_with_its_number(text: bytes, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        list(_questions(io.BytesIO(text).readline))


def test_a_question_longer_than_the_model_reads_is_refused(adapter: Path) -> None:
    pair = Pair(adapter, None, "cpu", "fp32", base=False)
    with pytest.raises(UsageError, match="tokens, and the model reads 2,048"):
        pair.answer("trained", pair.ids_of("word " * 3000), Way())
    almost = pair.ids_of("word " * 3000)[:2045]
    pair.answer("trained", almost, Way(tokens=500))  # as much as there is room for


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--temperature", "-1"), "--temperature is -1, and must be from 0 to 100"),
        (("--model", "nowhere"), "'nowhere' is neither"),
    ],
)
def test_a_mistake_of_the_call_is_one_line(
    adapter: Path, more: tuple[str, ...], words: str
) -> None:
    _, err = chat(adapter, b"", *more, code=2)
    assert words in err and err.count("\n") == 1


def test_what_is_no_adapter_is_refused(tmp_path: Path) -> None:
    _, err = chat(tmp_path, b"", code=2)
    assert "holds no adapter: name the folder of a run that trained" in err


def test_a_model_that_was_trained_whole_is_asked_beside_its_base(adapter: Path) -> None:
    base = adapter.parent / "base"
    whole = adapter.parent / "whole"
    Merge(model=str(base))(adapter, out=whole)
    pair = Pair(whole, None, "cpu", "fp32")
    assert pair.base is not None and pair.base.folder == base
    beside = Pair(adapter, None, "cpu", "fp32")
    ids = pair.ids_of(pair.rendered([{"role": "user", "content": "When?"}]))
    for side in ("base", "trained"):
        assert pair.answer(side, ids, Way(5)) == beside.answer(side, ids, Way(5))


END = b"\x04"  # as Ctrl-D sends it


def wait_for_sleep(process: subprocess.Popen[bytes]) -> None:
    """Until it waits for a key: between the prompt and that, Python notes a signal and reads on."""
    asleep = 0
    while asleep < 5 and process.poll() is None:
        time.sleep(0.05)
        state = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        asleep = asleep + 1 if state == "S" else 0


def _in_terminal(adapter: Path, *said: bytes, interrupt: bool = False) -> tuple[int, str]:
    """Exit code and screen of a conversation in a terminal."""
    leader, follower = pty.openpty()
    words = [*COMMAND, "chat", str(adapter), "--tokens", "4", "--device", "cpu"]
    process = subprocess.Popen(
        words, stdin=follower, stdout=follower, stderr=follower, env=environment(),
        start_new_session=True, cwd=adapter.parent, preexec_fn=heed_signals,
    )  # fmt: skip
    os.close(follower)
    screen = b""

    def read_while(more: Callable[[], bool]) -> None:
        nonlocal screen
        end = time.monotonic() + 60
        while more() and time.monotonic() < end:
            if select.select([leader], [], [], 1)[0]:
                try:
                    screen += os.read(leader, 4096)
                except OSError:  # nobody is left at the other end
                    return

    prompt = b"you      "
    read_while(lambda: prompt not in screen)
    for one in said:
        seen = screen.count(prompt)
        os.write(leader, one)
        read_while(lambda: screen.count(prompt) <= seen and one != END)  # noqa: B023
    if interrupt:
        wait_for_sleep(process)
        process.send_signal(signal.SIGINT)
    read_while(lambda: True)
    code = process.wait(60)
    os.close(leader)
    return code, screen.decode()


def test_a_conversation_in_a_terminal_ends_with_the_input(adapter: Path) -> None:
    code, screen = _in_terminal(adapter, b"When?\n", b"/new\n", END)
    assert code == 0 and "Traceback" not in screen
    shown: dict[str, Any] = {line[:9].strip(): line[9:] for line in screen.splitlines()}
    assert {"you", "base", "trained"} <= set(shown)


def test_ctrl_c_ends_a_conversation_without_a_trace(adapter: Path) -> None:
    code, screen = _in_terminal(adapter, b"When?\n", interrupt=True)
    assert code == 130 and "\nseedbed: interrupted" in screen
    assert "Traceback" not in screen
