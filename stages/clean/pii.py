"""Personal data and secrets in text: found by form and check digits, masked or dropped.

Finds e-mail addresses, phone numbers, IP addresses, payment cards (Luhn), IBANs (ISO 13616), keys
and tokens by their published prefixes, and passwords in URLs. Finds no names and no addresses.
`benchmarks/bench_pii.py` has precision and recall by kind.
"""

from __future__ import annotations

import ipaddress
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import ClassVar, Literal, NamedTuple

import pyarrow as pa

from stages.base import Map
from stages.verdicts import Record, Verdicts

Kind = Literal["credentials", "key", "email", "iban", "card", "ip", "phone"]


class Found(NamedTuple):
    """One finding: what kind, and where in the text."""

    kind: str
    begin: int
    end: int

    @property
    def label(self) -> str:
        """What stands in its place when it is masked."""
        return f"[{self.kind.upper()}]"


_EMAIL = re.compile(
    r"(?<![\w.+%/@-])[A-Za-z0-9][\w.+%-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+"
    r"(?:xn--[A-Za-z0-9-]{2,50}|[A-Za-z]{2,24})(?![\w@-])",
    re.ASCII,
)
# The same with letters beyond ASCII (RFC 6531, internationalised domains). Scripts without spaces
# are left out of the name, so that the word before it is not taken with it.
_SPACED = "\u00c0-\u024f\u0370-\u052f\u0590-\u06ff"
_BEYOND = _SPACED + "\u0900-\u0dff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_LETTERS, _OF_HOSTS = f"A-Za-z0-9{_SPACED}", f"A-Za-z0-9{_BEYOND}"
_WIDE_EMAIL = re.compile(
    f"(?<![{_LETTERS}_.+%/@-])[{_LETTERS}][{_LETTERS}_.+%-]{{0,63}}@"
    f"(?:[{_OF_HOSTS}](?:[{_OF_HOSTS}-]{{0,61}}[{_OF_HOSTS}])?\\.)+"
    f"(?:xn--[A-Za-z0-9-]{{2,50}}|[A-Za-z]{{2,24}}|[{_BEYOND}]{{2,24}})(?![{_LETTERS}_@-])"
)
# logo@2x.png and git@github.com:user/repo look like addresses and are none
_NO_DOMAIN = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|js|css|py|ts|html?|json|xml)$", re.I)

_CREDENTIALS = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,15}://([^\s:/@?#\"'<>]{1,80}:[^\s/@?#\"'<>]{1,120})@"
)

# Published forms of secrets: AWS, GitHub, GitLab, Slack, Google, OpenAI and Anthropic, Stripe,
# Hugging Face, npm, PyPI, SendGrid, JSON web tokens, PEM private keys.
_KEY = re.compile(
    r"(?<![\w-])(?:(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36,251}"
    r"|github_pat_[A-Za-z0-9_]{22,255}|glpat-[\w-]{20,64}|xox[abeoprs]-[A-Za-z0-9-]{10,250}"
    r"|AIza[\w-]{35}|sk-(?:ant-|proj-)?[\w-]{20,200}|[rs]k_(?:live|test)_[A-Za-z0-9]{16,200}"
    r"|hf_[A-Za-z0-9]{30,50}|npm_[A-Za-z0-9]{36}|pypi-AgEI[\w-]{50,500}"
    r"|SG\.[\w-]{22}\.[\w-]{43}|eyJ[\w-]{10,2000}\.eyJ[\w-]{10,4000}\.[\w-]{10,1000})(?![\w-])",
    re.ASCII,
)
_KEY_BEGINS = re.compile(r"(?=(-----BEGIN (?:[A-Z]{2,10} )?PRIVATE KEY-----))")
_KEY_ENDS = re.compile(r"(?=(-----END [A-Z ]{0,12}PRIVATE KEY-----))")
_KEY_SIZE = (40, 4000)  # characters between the two
_KEY_HINT = re.compile(
    r"AKIA|ASIA|gh[pousr]_|github_pat_|glpat-|xox|AIza|sk-|[rs]k_|hf_|npm_|pypi-|SG\.|eyJ"
    r"|-----BEGIN"
)

_IBAN = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}|[a-z]{2}\d{2}(?: ?[a-z0-9]){11,30})"
    r"(?![A-Za-z0-9])",
    re.ASCII,
)
# ISO 13616 registry: length by country.
_IBAN_LENGTH = {
    code: length
    for length, codes in {
        15: "NO", 16: "BE", 18: "DK FO FI GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU XK",
        21: "CH CR HR LI LV", 22: "BG BH DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM TL",
        24: "AD CZ DZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB NI PL SV", 29: "BR EG PS QA UA",
        30: "JO KW MU", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for code in codes.split()
}  # fmt: skip

_CARD = re.compile(r"(?<![\w.,+-])\d{4}(?:[ -]?\d){9,15}(?![\w-]|[.,]\d)", re.ASCII)
# Issuers: Visa, Mastercard, American Express, Discover, JCB, Diners, UnionPay; with lengths.
_ISSUER = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:2[2-9]|[3-6]\d|7[01])\d{13}|3[47]\d{13}"
    r"|6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|3(?:0[0-5]|[689]\d)\d{11}"
    r"|62\d{14,17}"
)

_IPV4 = re.compile(r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)", re.ASCII)
_IPV6 = re.compile(
    r"(?<![\w:.])(?:[23][0-9A-Fa-f]{3}|[Ff][Ee][89AaBb][0-9A-Fa-f]):"
    r"(?:[0-9A-Fa-f]{0,4}:){1,6}[0-9A-Fa-f]{0,4}(?![\w:])"
)
_VERSION = re.compile(r"(?:\bv|version|release|section|clause|chapter|build|§)[ .:]*$", re.I)
_ADDRESS = re.compile(r"\b(?:ip|host|server|address|ping|dns|gateway|client|from)\b", re.I)
_LOW_OCTET = 20  # four numbers up to 20 read as a version or a section, unless a word says address

_PHONE = re.compile(
    r"(?<![\w.,/+=#$€£-])(?:"
    r"(?:\+|00)[1-9]\d{0,2}[ .-]?(?:\(0?\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){1,4}"  # +49 …
    r"|(?:1[ .-])?\([2-9]\d{2}\) ?[2-9]\d{2}[ .-]\d{4}"  # (212) 555-0123
    r"|(?:1[.-])?[2-9]\d{2}([.-])[2-9]\d{2}\1\d{4}"  # 212-555-0123
    r"|0[1-9](?:[ .]\d{2}){4}"  # 06 12 34 56 78
    r"|\(?0[1-9]\d{1,3}\)?[ /-]\d{3,4}[ -]?\d{3,5}"  # 030 1234567, 020 7946 0958
    r"|1[3-9]\d([ -]?)\d{4}\2\d{4}"  # 13812345678, 138 1234 5678
    r"|\(0\d\) ?\d{4} ?\d{4}"  # (02) 9876 5432
    r"|\([1-9]{2}\) ?9\d{4}-\d{4}"  # (11) 98765-4321
    r"|0[1-9]\d?[ -]\d{3}[ -]\d{2,3}[ -]\d{2}"  # 044 668 18 00, 08-123 456 78
    r"|0[1-9] \d{4} \d{4}"  # 06 1234 5678
    r"|0[1-9]-\d{4}-\d{4}"  # 03-1234-5678
    r")(?![\w-]|[.,]\d)",
    re.ASCII,
)
_PHONE_AFTER_WORD = re.compile(
    r"(?:\b(?:phone|telephone|tel|mobile|cell|fax|call|whatsapp|telefon|handy|téléphone|teléfono)\b"
    r"|电话|手机)[^\d\n]{0,14}?((?:\+|\(?)\d[\d ().-]{5,16}\d)(?![\w-])",
    re.I,
)
_LONGER = re.compile(r"\d[ -]$")
_ISBN = re.compile(r"\b(?:isbn|issn|doi)\b[^\n]{0,12}$", re.I)


def _emails(text: str) -> Iterator[tuple[int, int]]:
    pattern = _EMAIL if text.isascii() else _WIDE_EMAIL
    for match in pattern.finditer(text) if "@" in text else ():
        if match[0].startswith("git@") or _NO_DOMAIN.search(match[0]) or ".." in match[0]:
            continue
        yield match.span()


def _credentials(text: str) -> Iterator[tuple[int, int]]:
    for match in _CREDENTIALS.finditer(text) if "://" in text else ():
        yield match.span(1)


def _private_keys(text: str) -> Iterator[tuple[int, int]]:
    # one search for both would look through the same 4,000 characters from each beginning
    ends = [match.span(1) for match in _KEY_ENDS.finditer(text)]
    begins, done = [begin for begin, _ in ends], 0
    for match in _KEY_BEGINS.finditer(text) if ends else ():
        begin, inside = match.span(1)
        at = bisect_left(begins, inside + _KEY_SIZE[0])
        if begin >= done and at < len(ends) and begins[at] <= inside + _KEY_SIZE[1]:
            done = ends[at][1]
            yield begin, done


def _keys(text: str) -> Iterator[tuple[int, int]]:
    if not _KEY_HINT.search(text):
        return
    position = 0
    blocks = _private_keys(text) if "-----END" in text else ()
    for block in (*blocks, (len(text), len(text))):
        for match in _KEY.finditer(text, position, block[0]):
            shown = match[0]
            if shown.startswith("sk-") and not re.search(r"\d", shown):
                continue  # sk-learn-style words: a key of 20 characters without a digit is none
            yield match.span()
        if block[0] < block[1]:
            yield block
        position = block[1]


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    for match in _IBAN.finditer(text):
        length = _IBAN_LENGTH.get(match[0][:2].upper())
        plain = 0
        for end, char in enumerate(match[0], 1):
            plain += char != " "
            if plain == length:
                compact = match[0][:end].replace(" ", "").upper()
                rest = match[0][end : end + 1]
                if rest in ("", " ") and is_iban(compact):
                    yield match.start(), match.start() + end
                break


def is_iban(compact: str) -> bool:
    """Whether the check digits of an IBAN without spaces are right (ISO 7064, mod 97-10)."""
    if len(compact) != _IBAN_LENGTH.get(compact[:2]):
        return False
    return int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97 == 1


def _cards(text: str) -> Iterator[tuple[int, int]]:
    for match in _CARD.finditer(text):
        digits = re.sub(r"[ -]", "", match[0])
        if _ISSUER.fullmatch(digits) and is_luhn(digits) and len(set(digits)) > 1:
            yield match.span()


def is_luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit (ISO/IEC 7812-1)."""
    total = 0
    for position, char in enumerate(reversed(digits)):
        value = int(char) * (1 + position % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _addresses(text: str) -> Iterator[tuple[int, int]]:
    for match in _IPV4.finditer(text):
        octets = [int(part) for part in match[0].split(".")]
        if max(octets) > 255 or any(len(p) > 1 and p[0] == "0" for p in match[0].split(".")):
            continue
        before = text[max(0, match.start() - 24) : match.start()]
        if _VERSION.search(before):
            continue
        if max(octets) <= _LOW_OCTET and not _ADDRESS.search(before):
            continue
        if _points_to_somebody(match[0]):
            yield match.span()
    for match in _IPV6.finditer(text):
        if _points_to_somebody(match[0]):
            yield match.span()


def _points_to_somebody(address: str) -> bool:
    # Loopback, masks, multicast and addresses of private networks are the same for everybody, and
    # the ranges kept for documentation (RFC 5737, 3849) are nobody's. A link-local address (RFC
    # 4291, 3927) is made of one machine's; 169.254.169.254 is the same one in every cloud.
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if parsed.is_link_local:
        return address != "169.254.169.254"
    return parsed.is_global and not parsed.is_multicast


def _phones(text: str) -> Iterator[tuple[int, int]]:
    for match in _PHONE.finditer(text):
        digits = sum(char.isdigit() for char in match[0])
        before = text[max(0, match.start() - 20) : match.start()]
        if match[0][0] != "+" and _LONGER.search(before):
            continue  # the tail of a longer group of digits
        if 8 <= digits <= 15 and not _ISBN.search(before):
            yield match.span()
    for match in _PHONE_AFTER_WORD.finditer(text):
        least = 7 if match[0][:4].lower() == "call" else 6  # "call 120 000 times" is none
        if least <= sum(char.isdigit() for char in match[1]) <= 15:
            yield match.span(1)


_DIGITS = re.compile(r"\d[\d .()/:-]{4,}\d|[0-9A-Fa-f]:[0-9A-Fa-f:]{4}", re.ASCII)
# What a text holds in which anything is found, for RE2.
_HINT = "@|://|[0-9][0-9 .()/:-]{4,}[0-9]|[0-9A-Fa-f]:[0-9A-Fa-f:]{4}|" + _KEY_HINT.pattern
# Longer and surer forms first: what one kind has taken, a later one does not take again.
_FINDERS: dict[str, tuple[Callable[[str], Iterator[tuple[int, int]]], bool]] = {
    "credentials": (_credentials, False),
    "key": (_keys, False),
    "email": (_emails, False),
    "iban": (_ibans, True),
    "card": (_cards, True),
    "ip": (_addresses, True),
    "phone": (_phones, True),
}
KINDS: tuple[Kind, ...] = ("credentials", "key", "email", "iban", "card", "ip", "phone")


def find(text: str, kinds: tuple[str, ...] = KINDS) -> list[Found]:
    """The findings in a text, in order, without overlaps."""
    found: list[Found] = []
    fresh: list[Found] = []  # in order; put among the others at once, for there may be many
    digits = _DIGITS.search(text) is not None
    for kind in KINDS:
        finder, numeric = _FINDERS[kind]
        if kind not in kinds or (numeric and not digits):
            continue
        for begin, end in finder(text):
            if fresh and begin < fresh[-1].begin:  # the finder has begun anew
                found, fresh = _together(found, fresh), []
            place = bisect_left(found, begin, key=_BEGIN)
            if (
                (place < len(found) and found[place].begin < end)
                or (place and found[place - 1].end > begin)
                or (fresh and fresh[-1].end > begin)
            ):
                continue
            fresh.append(Found(kind, begin, end))
        if fresh:
            found, fresh = _together(found, fresh), []
    return found


_BEGIN = attrgetter("begin")


def _together(found: list[Found], fresh: list[Found]) -> list[Found]:
    return sorted(found + fresh, key=_BEGIN)


def mask(text: str, found: list[Found]) -> tuple[str, list[Found]]:
    """The text with each finding replaced by its kind in brackets, and where these now stand."""
    pieces, shown, begin, length = [], [], 0, 0
    for one in found:
        pieces += [text[begin : one.begin], one.label]
        length += one.begin - begin
        shown.append(Found(one.kind, length, length + len(one.label)))
        length += len(one.label)
        begin = one.end
    return "".join([*pieces, text[begin:]]), shown


@dataclass(frozen=True)
class Pii(Map):
    """Find personal data and secrets; mask them, or drop the records that hold them.

    on: which text: input, output or all; default all. With output and all the answer that was not
        preferred (`rejected`) is looked at too.
    action: mask puts [EMAIL], [PHONE], [IP], [CARD], [IBAN], [KEY] or [CREDENTIALS] in the place of
        each finding; drop takes the record out, with the findings masked in the reject too, so that
        evidence and text show where they were and never what they were. Default mask.
    kinds: what to look for; credentials are user and password in a URL. Default credentials, key,
        email, iban, card, ip, phone.
    """

    name: ClassVar[str] = "pii"
    reasons: ClassVar[Mapping[str, str]] = {"pii": "the record holds personal data or a secret"}
    stays: ClassVar[Mapping[str, str]] = {"pii": "action: mask"}
    cuts: ClassVar[Mapping[str, str]] = {"masked": "a finding, in whose place its kind stands"}

    on: Literal["input", "output", "all"] = "all"
    action: Literal["mask", "drop"] = "mask"
    kinds: tuple[Kind, ...] = KINDS

    def makes(self) -> Mapping[str, pa.DataType]:
        """pii: how many findings the record had."""
        return {"pii": pa.int32()}

    def contradictions(self) -> tuple[str, ...]:
        """An empty list of kinds would look for nothing."""
        return () if self.kinds else ("pii.kinds is empty: nothing would be looked for",)

    def judge(self, verdicts: Verdicts) -> None:
        """Mask or drop; count."""
        counts = [0] * len(verdicts)
        for record in verdicts.records(self.on, holding=_HINT):
            texts = [*record.fields, *record.rejected]
            found = {field: find(field.text, self.kinds) for field in texts}
            counts[record.row] = sum(map(len, found.values()))
            if self.action == "drop" and counts[record.row]:
                _drop(record, {field.name: hits for field, hits in found.items() if hits})
                continue
            for field, hits in found.items():
                field.substitute("masked", [(one.begin, one.end, one.label) for one in hits])
        verdicts.set("pii", counts)


def _drop(record: Record, found: Mapping[str, list[Found]]) -> None:
    """Take a record out; its reject shows where the findings are and never what they are."""
    # The fields outside the view are shown too, so they are masked too.
    texts = {**record.texts("all"), **{field.name: field.text for field in record.rejected}}
    masked = {name: mask(text, found.get(name) or find(text)) for name, text in texts.items()}
    spans = {name: masked[name][1] for name in found}
    name, (first, *_) = next(iter(spans.items()))
    record.drop(
        "pii",
        text="\n".join(text for text, _ in masked.values()),
        field=name,
        kind=first.kind,
        span=[first.begin, first.end],
        match=first.label,
        masked=True,
        spans={
            name: [[one.kind, one.begin, one.end] for one in ones] for name, ones in spans.items()
        },
    )
