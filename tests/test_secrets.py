"""Passwords in texts that name sources: every spelling is found, and none is shown."""

from __future__ import annotations

import time

import pytest

from stages import CsvExtract, DatabaseExtract, HtmlExtract, JsonlExtract
from stages.errors import StageFailed, UsageError
from stages.secrets import masked, masked_values, problem, problem_in

HUSH = "hush"
WITH = [
    "postgresql://u:hush@h/d",
    "POSTGRESQL://U:hush@H/d",
    "postgresql+psycopg://u:hush@h:5432/d",
    "postgresq://u:hush@h",
    "postgresql//u:hush@h",
    "postgresql:u:hush@h",
    "mysql://u:hush@h/d",
    "mysql:/u:hush@h",
    "mysql:///u:hush@h",
    "sqlite://u:hush@h",
    "//u:hush@h",
    "redis://:hush@h",
    "https://x-access-token:hush@github.com/a/b",
    "postgresql%3A//u%3Ahush%40h",
    "postgresql://u%3Ahush@h",
    "postgresql://u:hu/hush@h/d",
    "postgresql://u:hu@hush@h/d",
    "postgresql://me@corp:hush@h/d",
    "jdbc:oracle:thin:scott/hush@//h:1521/x",
    "postgresql://u@h/d?password=hush",
    "postgresql://u@h/d?sslpassword=hush",
    "postgresql://u@h/d?p%61ssword=hush",
    "postgresql://u@h/d?a=1&PWD=hush",
    "postgresql://u@h/d#token=hush",
    "jdbc:postgresql://h/d?user=u&passwd=hush",
    "http://h/x?api_key=hush",
    "http://h/x?access-key=hush",
    "http://h/x?X-Amz-Signature=hush",
    "host=h user=u password=hush dbname=d",
    "host=h password = 'hush hush'",
    "Server=h;Uid=u;Pwd={hush};",
    "AccountName=x;AccountKey=hush==",
    "postgresql://h/d?password[]=hush",
    "postgresql://h/d?login[password]=hush",
    "sqlite:///x.db?cipher_key=hush",
    "https://h/x?jwt=hush",
]
WITHOUT = [
    "postgresql://u@h/d",
    "postgresql://u@h:5432/d?sslmode=require",
    "postgresql://u@h1:5432,h2:5433/d",
    "postgresql://u@[::1]:5432/d",
    "mysql:u@h",
    "sqlite:////data/me@home.db",
    "site/**/*.html",
    "mails/me@example.org/in.jsonl",
    "mails/someone@example.org.jsonl",
    "https://example.org/@user/post:1",
    "data/password.csv",
    "C:/x/y",
    "in/token=abc/x.parquet",
    "in/pass=1/y.jsonl",
    "the token/a: b.jsonl",
]


@pytest.mark.parametrize("text", WITH)
def test_a_password_is_found_and_masked_in_every_spelling(text: str) -> None:
    told = problem(text)
    assert told is not None and HUSH not in told and "PGPASSWORD" in told
    shown = masked(f"{text!r} cannot be read; see {text}")
    assert HUSH not in shown and "***" in shown and masked(shown) == shown
    assert problem_in(text) is not None


@pytest.mark.parametrize("text", [
    "u:hush@h/db", "postgresql://u:12/hush@h/d", "sqlite:///x.db?key=hush", "scott/hush@h:1521/x",
    "scott/hush@//h:1521", "password: hush", '{"user": "u", "password": "hush"}', "--token=hush",
    "u password:hush",
])  # fmt: skip
def test_what_only_a_source_can_mean_is_refused_there(text: str) -> None:
    assert problem(text) is not None


@pytest.mark.parametrize("text", WITHOUT)
def test_names_without_a_password_stay(text: str) -> None:
    assert problem(text) is None and masked(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "see http://localhost:8080/@foo",
        "SELECT * FROM users WHERE password = 'x'",
        r"https?://[^:]+:[^@]+@",
        r"//\w+:\w+@",
        "git@github.com:a/b",
        "token=5; pass=6",
        "{title}: {body}",
    ],
)
def test_other_text_stays(text: str) -> None:
    assert masked(text) == text


def test_values_of_json_are_masked_at_any_depth() -> None:
    value = {"a": [{"path": WITH[0]}, 1, None], "b": "words"}
    assert masked_values(value) == {
        "a": [{"path": "postgresql://u:***@h/d"}, 1, None],
        "b": "words",
    }


@pytest.mark.parametrize("stage", [DatabaseExtract, CsvExtract, HtmlExtract, JsonlExtract])
@pytest.mark.parametrize("text", [WITH[0], WITH[7], "u:hush@h/db", WITH[-4]])
def test_a_library_call_raises_without_the_password(stage: type, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        list(stage()(text, []))
    assert HUSH not in str(caught.value) and "PGPASSWORD" in str(caught.value)


def test_errors_never_hold_a_password() -> None:
    error = StageFailed(f"a message of a server on {WITH[0]}", WITH[19])
    assert HUSH not in str(error) and HUSH not in repr(error) and len(error.messages) == 2


@pytest.mark.parametrize(
    "text",
    ["/" * 60_000, "//a:" * 15_000, "&a=b" * 15_000, "host=" + "a " * 30_000, "a.b-" * 15_000],
)
def test_masking_is_linear(text: str) -> None:
    began = time.process_time()
    masked(text + "@:=host=")
    assert time.process_time() - began < 1.0
