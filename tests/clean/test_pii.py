"""Personal data are found by form and check digits, masked everywhere, and never printed."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.clean.pii import KINDS, Pii, find, is_iban, is_luhn, mask


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Write to ann.lee+x@mail.example.org.", "Write to [EMAIL]."),
        ("Call +49 30 1234567 now", "Call [PHONE] now"),
        ("Call (212) 555-0123 or 212-555-0124", "Call [PHONE] or [PHONE]"),
        ("Appelez 06 12 34 56 78.", "Appelez [PHONE]."),
        ("Phone: 555-2428, later", "Phone: [PHONE], later"),
        ("电话：13812345678", "电话：[PHONE]"),
        ("from 81.2.69.160:8080", "from [IP]:8080"),
        ("2a02:db8::ff00:42:8329 is up", "[IP] is up"),
        ("fe80::1ff:fe23:4567:890a and 169.254.7.9", "[IP] and [IP]"),
        ("an müller@bücher.de oder jörg@post.de", "an [EMAIL] oder [EMAIL]"),
        ("邮箱info@例え.jp，почта@пример.рф", "邮箱[EMAIL]，[EMAIL]"),
        ("de89 3704 0044 0532 0130 00 today", "[IBAN] today"),
        ("Tel: 044 668 18 00, 08-123 456 78", "Tel: [PHONE], [PHONE]"),
        ("(02) 9876 5432 or (11) 98765-4321", "[PHONE] or [PHONE]"),
        ("138 1234 5678; 06 1234 5678; 03-1234-5678", "[PHONE]; [PHONE]; [PHONE]"),
        ("Fax 612 345", "Fax [PHONE]"),
        ("card 4111 1111 1111 1111, thanks", "card [CARD], thanks"),
        ("pay DE89 3704 0044 0532 0130 00 today", "pay [IBAN] today"),
        ("GB82WEST12345698765432", "[IBAN]"),
        ("postgres://bob:s3cret@db.local/x", "postgres://[CREDENTIALS]@db.local/x"),
        ("key AKIAIOSFODNN7EXAMPLE.", "key [KEY]."),
        ("token ghp_" + "a1B2" * 9, "token [KEY]"),
    ],
)
def test_found_and_masked(text: str, masked: str) -> None:
    found, places = mask(text, find(text))
    assert found == masked and places
    for place in places:
        assert found[place.begin : place.end] == place.label


@pytest.mark.parametrize(
    "text",
    [
        "Version 1.2.3.4 and release 10.0.19041.1",
        "See section 3.2.1.4; 127.0.0.1 and 192.168.1.10 are local, 255.255.255.0 is a mask.",
        "192.0.2.7, 198.51.100.8, 203.0.113.9 and 2001:db8::7 are nobody's, 169.254.169.254 too",
        "call 120 000 times; Population: 612 345 678; 98765 43210",
        "On 2024-01-12 at 12:34:56, or 12.05.2023",
        "ISBN 978-3-16-148410-0 and ISBN 0-306-40615-2",
        "pi is 3.14159265358979 and 1,234,567,890 people",
        "card 4111 1111 1111 1112",
        "DE88 3704 0044 0532 0130 00",
        "logo@2x.png, git@github.com:a/b.git, @decorator, lodash@4.17.21",
        "std::vector<int> a::b; 10:20:30",
        "sk-learn-style-names-of-classes",
        "order 20240112123456, id 00000000-0000-0000-0000-000000000000",
        "1 2 3 4 5 6 7 8 9 10 11 12",
        "https://example.org:8080/a@b",
    ],
)
def test_false_alarms(text: str) -> None:
    assert find(text) == []


def test_what_one_kind_has_taken_no_later_one_takes_again() -> None:
    text = "see https://u:4111111111111111@h/x and 4111111111111111"
    found = find(text)
    assert [one.kind for one in found] == ["credentials", "card"]
    assert mask(text, found)[0] == "see https://[CREDENTIALS]@h/x and [CARD]"


def test_check_digits() -> None:
    assert is_luhn("4111111111111111") and not is_luhn("4111111111111112")
    assert is_iban("FR1420041010050500013M02606") and not is_iban("FR1420041010050500013M02607")
    assert not is_iban("XX00")


def run(stage: Pii, *records: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    rejects: list[dict[str, Any]] = []
    return stage(records, rejects), rejects


def test_mask_counts_and_keeps_every_record() -> None:
    kept, rejects = run(
        Pii(),
        {"messages": [{"role": "user", "content": "a@b.org c@d.org"}]},
        {"text": "nothing"},
    )  # fmt: skip
    assert rejects == [] and [row["pii"] for row in kept] == [2, 0]
    assert kept[0]["messages"][0]["content"] == "[EMAIL] [EMAIL]"


def test_a_reject_shows_where_but_never_what() -> None:
    secret = "ann@b.org"
    record = {"prompt": f"I am {secret}", "completion": f"Hello {secret}, call +49 30 1234567"}
    kept, [reject] = run(Pii(on="output", action="drop"), record)
    evidence = json.loads(reject["evidence"])
    assert kept == [] and reject["reason"] == "pii"
    assert secret not in reject["text"] + reject["evidence"] and "1234567" not in reject["text"]
    assert (evidence["field"], evidence["kind"], evidence["match"]) == (
        "completion",
        "email",
        "[EMAIL]",
    )
    begin, end = evidence["span"]
    shown = reject["text"].split("\n")[1]
    assert shown[begin:end] == evidence["match"]
    assert [kind for kind, _, _ in evidence["spans"]["completion"]] == ["email", "phone"]


def test_kinds_pick_what_is_looked_for() -> None:
    text = "a@b.org +49 30 1234567"
    assert run(Pii(kinds=("phone",)), {"text": text})[0][0]["text"] == "a@b.org [PHONE]"
    assert Pii(kinds=()).contradictions() and not Pii().contradictions()


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="a@.b-+()0123456789: /DE[]", max_size=60))
def test_findings_are_in_order_apart_and_gone_after_masking(text: str) -> None:
    found = find(text)
    assert all(a.end <= b.begin for a, b in pairwise(found))
    masked, shown = mask(text, found)
    for one, place in zip(found, shown, strict=True):
        assert masked[place.begin : place.end] == f"[{one.kind.upper()}]" and one.kind in KINDS


def test_what_stands_beside_the_content_is_masked_too() -> None:

    arguments = {"to": "ann@example.org", "n": 3, "cc": ["bob@example.org"]}
    call = {"id": "c1", "function": {"name": "mail", "arguments": arguments}}
    as_text = {"id": "c2", "function": {"name": "mail", "arguments": json.dumps(arguments)}}
    talk = [
        {"role": "user", "content": "Write"},
        {"role": "assistant", "content": None, "tool_calls": [call, as_text]},
        {"role": "assistant", "content": "Done", "reasoning": "It is ann@example.org."},
    ]
    (found,) = Pii()([{"messages": talk}], [])
    assert found["pii"] == 5
    extra = [json.loads(m["extra"]) for m in found["messages"] if m["extra"]]
    first, second = (one["function"]["arguments"] for one in extra[0]["tool_calls"])
    assert first == {"to": "[EMAIL]", "n": 3, "cc": ["[EMAIL]"]} == json.loads(second)
    assert list(first) == ["to", "n", "cc"] and extra[0]["tool_calls"][0]["id"] == "c1"
    assert extra[1]["reasoning"] == "It is [EMAIL]."
    rejects: list[dict[str, object]] = []
    assert Pii(action="drop")([{"messages": talk}], rejects) == []
    assert "ann@" not in str(rejects)
    assert "tool_calls[0].function.arguments.to" in str(rejects[0]["evidence"])
