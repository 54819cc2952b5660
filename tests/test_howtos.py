"""Every command of docs/by-what-you-have.md runs, in the order of the page, on inputs made here."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sqlite3
from pathlib import Path

import pytest

from pipeline import cli, signals

HOME = Path(__file__).resolve().parent.parent
PAGE = (HOME / "docs/by-what-you-have.md").read_text(encoding="utf-8")
COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()
]
LINE = "The tide gauge was read twice a day and written down by hand in the harbour book. "


def inputs(folder: Path) -> None:
    """What the commands name."""
    (folder / "stuff").mkdir()
    (folder / "site").mkdir()
    for number in range(3):
        page = (
            f"<html><body><article><h1>Day {number}</h1><p>{LINE * 6}</p></article></body></html>"
        )
        (folder / f"site/{number}.html").write_text(page)
    shutil.copytree(folder / "site", folder / "stuff/site")
    shutil.copy(HOME / "recipes/examples/phpbb.sql", folder / "board.sql")
    rows = [
        ("Frage", "Antwort"),
        *((f"Wann kommt Beet {n}?", f"In Woche {n + 9}.") for n in range(9)),
    ]
    (folder / "faq.csv").write_text("".join(";".join(row) + "\n" for row in rows))
    shutil.copy(folder / "faq.csv", folder / "stuff/faq.csv")
    book = pytest.importorskip("openpyxl").Workbook()
    for row in rows:
        book.active.append(row)
    book.save(folder / "faq.xlsx")
    chat = [f"12/0{d}/2024, 10:0{d} - {who}: {LINE}" for d in range(1, 9) for who in ("Ann", "Bob")]
    (folder / "chat.txt").write_text("\n".join(chat) + "\n")
    pairs = [{"prompt": f"When is bed {n} sown?", "completion": f"In week {n}."} for n in range(9)]
    lines = "".join(json.dumps(pair) + "\n" for pair in pairs)
    (folder / "train.jsonl").write_text(lines)
    (folder / "clean.jsonl").write_text(lines)
    topics = [{"text": f"{LINE}{n}", "topic": "weather" if n < 5 else "nets"} for n in range(30)]
    (folder / "all.jsonl").write_text("".join(json.dumps(one) + "\n" for one in topics))
    with sqlite3.connect(folder / "shop.sqlite") as base:
        base.execute("CREATE TABLE goods (id INTEGER PRIMARY KEY, description TEXT)")
        base.executemany("INSERT INTO goods VALUES (?, ?)", [(1, LINE), (2, LINE * 2)])
    base.close()
    history = [{"step": 10 * n, "epoch": n / 10, "loss": 2 - n / 50} for n in range(1, 31)]
    (folder / "trainer_state.json").write_text(json.dumps({"log_history": history}))


@pytest.mark.extras
def test_every_command_of_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(signals.signal, "signal", lambda *_: None)
    inputs(tmp_path)
    told = {}
    for line in COMMANDS:
        program, *arguments = shlex.split(line)
        assert program == "seedbed", line
        code = cli.command(arguments)
        told[line] = "".join(capsys.readouterr())
        assert code == 0, f"{line}: {told[line]}"
    assert "Wann kommt Beet 0?" in (tmp_path / "recipe.yaml").read_text()
    assert "2 of 12 records" in told["seedbed show --run runs/board -n 2"]
    assert "phpbb_posts" in told["seedbed explain 'net shed' --run runs/board"]
    assert "Day 0" in told["seedbed show pages"]
    assert "all 4 times" in next(text for line, text in told.items() if "seedbed mix" in line)
    assert LINE.strip() in told["seedbed show goods"]
    assert "assistant" in told["seedbed show chats"]
    assert (tmp_path / "curves.html").is_file()
