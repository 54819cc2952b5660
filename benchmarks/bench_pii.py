"""Personal data: precision and recall by kind on sentences made by script, and phonenumbers beside it.

    python -m benchmarks.bench_pii [--sentences 6000] [--seed 1]

Each sentence holds one thing of a known kind, or something that looks like one and is none. Forms
and contexts are drawn with the seed; the numbers are random and fit the plans of their countries.
What is written here was known while the patterns were revised, so that another seed is a test of
drawing and not of the world. phonenumbers (Apache-2.0), where it is installed, is asked for the
numbers of every country in the set.
"""

# ruff: noqa: E501

from __future__ import annotations

import argparse
import importlib.util
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from benchmarks.measure import header, in_turn, table
from stages.clean.pii import KINDS, find, is_luhn


class Sentence(NamedTuple):
    """A text and what is in it: kind ('' for nothing), what sort of it, and where."""

    text: str
    kind: str
    sort: str
    begin: int
    end: int


# Plans: # is any digit, @ one from 2 to 9.
PHONES = {
    "international": ("+49 30 ########", "+44 20 7### ####", "+1 212 @## ####", "+33 6 ## ## ## ##",
                      "+86 138 #### ####", "+34 612 ### ###", "+39 06 @### ####", "+31 20 @## ####",
                      "+81 3 @### ####", "+55 11 9#### ####", "+91 98### #####", "0049 30 @######",
                      "+41 44 @## ## ##", "+46 8 @## ### ##", "+48 22 @## ## ##", "+61 2 9### ####"),
    "in a plan of their own": ("(212) @##-####", "212-@##-####", "030 @#######", "06 ## ## ## ##",
                               "020 7### ####", "138########", "0171 @######", "212.@##.####",
                               "(415) @## ####", "0211/@#####", "01 4# ## ## ##"),
    "domestic, grouped": ("612 ### ###", "(02) 9### ####", "044 @## ## ##", "08-@## ### ##",
                          "98### #####", "(11) 9####-####", "03-@###-####", "138 #### ####",
                          "22 @## ## ##", "020 @## ####", "06 @### ####", "0412 ### ###"),
    "after a word": ("@##-####", "@## ####", "@#######", "@## ###", "@##.####"),
}  # fmt: skip
_WORDS = ("Phone: {}", "Tel. {}", "call {} after six", "mobile {}", "fax {}", "WhatsApp {}",
          "Telefon: {}", "Tel: {} (office)")  # fmt: skip
_PLAIN = ("You can reach me at {} any time.", "Ask Ms Hale ({}) about it.", "{} is the right one.",
          "My contact is {}, thank you.", "Write down {} and keep it.", "Contact: {}",
          "It is registered with {} and nobody else.", "- {}", "He wrote {}; she did not.")  # fmt: skip
_NAMES = ("ann", "j.hale", "mara+news", "info", "o_brien", "kim99", "first.last", "x-y")
_HOSTS = ("mail.example.org", "kelp.co.uk", "uni-bonn.de", "post.io", "a.b.c.museum")
_IDN = ("müller@bücher.de", "jörg@straße.example", "info@例え.jp", "почта@пример.рф", "ana@peña.es",
        "user@xn--bcher-kva.example", "renée@café.fr", "ola@smørrebrød.dk")  # fmt: skip
_KEYS = ("AKIA{U16}", "ghp_{A36}", "sk-ant-{A40}", "hf_{A34}", "AIza{A35}", "xoxb-{D12}-{A24}",
         "npm_{A36}", "glpat-{A20}", "sk_live_{A24}", "eyJ{A20}.eyJ{A30}.{A43}")  # fmt: skip
_NOTHING = (
    "Version {D1}.{D1}.{D1}.{D1} came out in May.", "See section {D1}.{D1}.{D1}.{D1} of the manual.",
    "The mask is 255.255.255.0 and the host 192.168.{D1}.{D2}.", "Loopback is 127.0.0.1 or ::1.",
    "Use 192.0.2.{D2} in examples.", "The documentation says 198.51.100.{D2}, or 203.0.113.{D2}.",
    "An address like 2001:db8::{D2} is for documentation.", "On 20{D2}-0{N1}-1{D1} at 1{D1}:3{D1}:2{D1} it began.",
    "ISBN 978-3-16-1{D5}-{D1} is out of print.", "doi 10.1{D3}/jour.{D4}.{D5}", "Order 2024{D8} has shipped.",
    "The price is 1,{D3},{D3} crowns.", "pi is 3.14159{D8} and so on.", "Row {D2} {D3} {D3} {D3} {D2}",
    "UUID {H8}-{H4}-{H4}-{H4}-{H12} was lost.", "lodash@4.{D2}.{D2} and react@18.{D1}.0", "logo@2x.png, git@github.com:a/b.git",
    "The matrix is 12 34 56 78 90 {D2} {D2}.", "scores: {D3} {D3} {D3}, then {D3}", "from 1{D3} to 1{D3}-1{D3}",
    "Population: {D3} {D3} {D3}.", "Part no. {D3}-{D4}-{D2}", "commit {H40}", "tracking 1Z{D8}{D8}", "{D2}:{D2}:{D2}",
    "Coordinates 5{D1}.{D6}, 1{D1}.{D6}.", "card 4{D3} {D4} {D4} {D3}x", "weights {D1}.{D4} {D1}.{D4} {D1}.{D4}",
    "x = [{D3}, {D3}, {D3}, {D4}]", "The years 19{D2}-19{D2} and 20{D2}.", "sk-learn-style-names-of-classes", "std::vector<int> a::b",
    "Take 2 x {D3} mg, {D3} ml, then {D4} steps.", "ratio {D3}/{D4}", "GB {D2} {D4} and FR {D2}", "SELECT {D6}, {D6};",
)  # fmt: skip
_IBANS = ("DE", "GB", "FR", "NL", "ES", "CH", "AT", "BE", "PL", "NO")


def sentences(count: int, seed: int) -> list[Sentence]:
    """`count` sentences; a third hold nothing."""
    rng = random.Random(seed)
    makers: tuple[Callable[[random.Random], tuple[str, str, str, str]], ...] = (
        _phone, _email, _iban, _card, _address, _secret)  # fmt: skip
    made = []
    for number in range(count):
        if number % 3 == 0:
            text = _filled(rng, rng.choice(_NOTHING))
            made.append(Sentence(text, "", "", 0, 0))
            continue
        kind, sort, thing, frame = makers[(number - number // 3) % len(makers)](rng)
        text = frame.replace("{}", thing)
        begin = text.index(thing)
        if kind == "credentials":
            begin, thing = text.index("//") + 2, thing[thing.index("//") + 2 : thing.index("@")]
        made.append(Sentence(text, kind, sort, begin, begin + len(thing)))
    return made


def _filled(rng: random.Random, form: str) -> str:
    """A form with its braces filled: D digits, N a digit from 1, U capitals and digits, A letters
    and digits, H hexadecimal."""
    signs = {"D": "0123456789", "N": "123456789", "U": "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
             "A": "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMN23456789", "H": "0123456789abcdef"}  # fmt: skip
    out, rest = "", form
    while "{" in rest:
        before, _, rest = rest.partition("{")
        inside, _, rest = rest.partition("}")
        out += before + "".join(rng.choice(signs[inside[0]]) for _ in range(int(inside[1:])))
    return out + rest


def _plan(rng: random.Random, plan: str) -> str:
    return "".join(str(rng.randint(2, 9)) if c == "@" else str(rng.randint(0, 9)) if c == "#" else c
                   for c in plan)  # fmt: skip


def _phone(rng: random.Random) -> tuple[str, str, str, str]:
    sort = rng.choice(list(PHONES))
    frame = rng.choice(_WORDS if sort == "after a word" or rng.random() < 0.4 else _PLAIN)
    return "phone", sort, _plan(rng, rng.choice(PHONES[sort])), frame


def _email(rng: random.Random) -> tuple[str, str, str, str]:
    if rng.random() < 0.3:
        return "email", "with letters beyond ASCII", rng.choice(_IDN), rng.choice(_PLAIN)
    return "email", "ASCII", f"{rng.choice(_NAMES)}@{rng.choice(_HOSTS)}", rng.choice(_PLAIN)


def _iban(rng: random.Random) -> tuple[str, str, str, str]:
    from stages.clean.pii import _IBAN_LENGTH

    country = rng.choice(_IBANS)
    letters = "WEST" if country == "GB" else "ABNA" if country == "NL" else ""
    length = _IBAN_LENGTH[country] - 4 - len(letters)
    body = letters + "".join(str(rng.randint(0, 9)) for _ in range(length))
    number = int("".join(str(int(char, 36)) for char in body + country + "00"))
    compact = f"{country}{98 - number % 97:02}{body}"
    grouped = " ".join(compact[at : at + 4] for at in range(0, len(compact), 4))
    sort = rng.choice(("compact", "grouped", "lower case"))
    shown = {"compact": compact, "grouped": grouped}.get(sort) or rng.choice(
        (compact.lower(), grouped.lower())
    )
    return "iban", sort, shown, rng.choice(_PLAIN)


def _card(rng: random.Random) -> tuple[str, str, str, str]:
    begin, length = rng.choice((("4", 16), ("51", 16), ("37", 15), ("6011", 16), ("3530", 16)))
    body = begin + "".join(str(rng.randint(0, 9)) for _ in range(length - len(begin) - 1))
    digits = next(body + str(last) for last in range(10) if is_luhn(body + str(last)))
    parts = [digits[:4], digits[4:10], digits[10:]] if length == 15 else [
        digits[at : at + 4] for at in range(0, 16, 4)]  # fmt: skip
    sort, glue = rng.choice((("in one", ""), ("spaces", " "), ("dashes", "-")))
    return "card", sort, glue.join(parts), rng.choice(_PLAIN)


def _address(rng: random.Random) -> tuple[str, str, str, str]:
    octet = lambda low=1, high=254: rng.randint(low, high)  # noqa: E731
    sort = rng.choice(("IPv4", "IPv6", "link-local"))
    if sort == "IPv4":
        first = rng.choice((8, 62, 81, 93, 151, 185, 212))
        return "ip", sort, f"{first}.{octet(21)}.{octet(21)}.{octet()}", rng.choice(_PLAIN)
    tail = ":".join(f"{rng.randint(1, 65535):x}" for _ in range(4))
    if sort == "IPv6":
        middle = rng.choice(("::", ":8a2e:", ":0:0:"))
        short = tail if middle == ":8a2e:" else tail.rpartition(":")[0]
        return "ip", sort, f"2a0{octet(0, 9)}:{octet():x}:{octet():x}{middle}{short}", _PLAIN[0]
    return "ip", sort, rng.choice((f"fe80::{tail}", f"169.254.{octet(21)}.{octet(21)}")), _PLAIN[0]


def _secret(rng: random.Random) -> tuple[str, str, str, str]:
    if rng.random() < 0.3:
        thing = f"postgres://{rng.choice(_NAMES[:1])}:{_filled(rng, '{A9}')}@db.local/x"
        return "credentials", "in a URL", thing, "Connect to {} first."
    return "key", "published prefix", _filled(rng, rng.choice(_KEYS)), rng.choice(_PLAIN)


Spans = list[tuple[str, int, int]]


def ours(text: str) -> Spans:
    """What Pii finds."""
    return [(one.kind, one.begin, one.end) for one in find(text)]


_REGIONS = (
    "DE",
    "GB",
    "US",
    "FR",
    "CN",
    "ES",
    "IT",
    "NL",
    "JP",
    "BR",
    "IN",
    "CH",
    "SE",
    "PL",
    "AU",
)


def libphonenumber(text: str) -> Spans:
    """What phonenumbers finds for any of the countries, valid numbers only."""
    import phonenumbers

    found: Spans = []
    for region in _REGIONS:
        for match in phonenumbers.PhoneNumberMatcher(text, region):
            if not any(match.start < end and begin < match.end for _, begin, end in found):
                found.append(("phone", match.start, match.end))
    return found


def scored(made: Sequence[Sentence], finder: Callable[[str], Spans]) -> dict[str, list[int]]:
    """kind or kind and sort → [right, wrong, there]; right: at least nine tenths of it are covered
    by a finding of its kind that is at most two characters longer."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for one in made:
        names = [one.kind, f"{one.kind}: {one.sort}"] if one.kind else []
        for name in names:
            counts[name][2] += 1
        hit = False
        for kind, begin, end in finder(one.text):
            both = min(end, one.end) - max(begin, one.begin)
            if kind == one.kind and both >= 0.9 * (one.end - one.begin) and end - begin <= both + 2:
                hit = True
            else:
                counts[kind][1] += 1
        for name in names:
            counts[name][0] += hit
    return counts


def main() -> None:
    """Print precision and recall by kind, recall by sort, and the speed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sentences", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    made = sentences(given.sentences, given.seed)
    beside = importlib.util.find_spec("phonenumbers") is not None
    header("pii", *(["phonenumbers"] if beside else []))
    finders: dict[str, Callable[[str], Spans]] = {"seedbed": ours}
    if beside:
        finders["phonenumbers"] = libphonenumber
    counts = {name: scored(made, finder) for name, finder in finders.items()}
    rows: list[tuple[Any, ...]] = []
    for name, found in counts.items():
        for kind in KINDS if name == "seedbed" else ("phone",):
            right, wrong, there = found[kind]
            rows.append(
                (f"{name}, {kind}", there, right / max(1, right + wrong), right / max(1, there))
            )
    table(("", "there", "precision", "recall"), rows)
    sorts = sorted(name for name in counts["seedbed"] if ":" in name)
    table(
        ("recall by sort", "there", *finders),
        [(name, counts["seedbed"][name][2],
          *(found[name][0] / max(1, counts["seedbed"][name][2]) for found in counts.values()))
         for name in sorts],
    )  # fmt: skip
    texts = [one.text for one in made[:1500]]
    timed = in_turn(
        {name: (lambda f=f: [f(text) for text in texts]) for name, f in finders.items()}, 3
    )
    table(
        ("", "sentences/CPU-s"),
        [(name, round(len(texts) / one.seconds)) for name, one in timed.items()],
    )


if __name__ == "__main__":
    main()
