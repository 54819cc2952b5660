"""In which language texts are, by words that every text has, and about how many tokens they are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_COMMON = {
    "English": "the and of to is that it for with was are this have not you but from they",
    "German": "der die und das ist nicht mit den von zu ein eine auch sich dem für auf es ich",
    "French": "le la les et des est une dans que pour pas vous sur avec du je nous mais",
    "Spanish": "el los las que y en una por con para no del se es lo como más pero",
    "Portuguese": "o os as que e em uma por com para não do da se é mais como mas",
    "Italian": "il che di e la per una non con del sono è le gli ma anche della nel",
    "Dutch": "de het een en van ik dat niet is op te zijn met voor maar ook je",
    "Polish": "i w nie się na to że z do jest jak co ale o tak po za przez",
    "Swedish": "och att det som en är på av för inte med den till jag om har",
    "Turkish": "bir ve bu için çok ne ama da de var daha gibi olarak ile",
    "Russian": "и в не на что с как это по но он из у за так для от бы",
    "Indonesian": "yang dan di untuk dengan ini itu tidak dari ke pada ada adalah",
}
_WORDS = {name: frozenset(words.split()) for name, words in _COMMON.items()}
_SCRIPTS = (
    ("Japanese", re.compile(r"[\u3040-\u30ff]")),
    ("Chinese", re.compile(r"[\u3400-\u9fff]")),
    ("Korean", re.compile(r"[\uac00-\ud7af]")),
    ("Arabic or Persian", re.compile(r"[\u0600-\u06ff]")),
    ("Hebrew", re.compile(r"[\u0590-\u05ff]")),
    ("Greek", re.compile(r"[\u0370-\u03ff]")),
    ("Hindi or its kin", re.compile(r"[\u0900-\u097f]")),
    ("Thai", re.compile(r"[\u0e00-\u0e7f]")),
)
_LETTER = re.compile(r"[^\W\d_]")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_CHARACTERS = 200_000  # that are looked at
# Characters of a token: about what tokenizers of today have for prose.
_LATIN, _OTHER, _DENSE = 4.0, 2.5, 1.3


def language_of(texts: Iterable[str]) -> str:
    """The language of most texts, as a name; empty where nothing tells it."""
    text = _joined(texts)
    letters = len(_LETTER.findall(text))
    for name, script in _SCRIPTS:
        if letters and len(script.findall(text)) > 0.15 * letters:
            return name
    words = Counter(re.findall(r"[^\W\d_]+", text.lower()))
    found = {name: sum(words[word] for word in common) for name, common in _WORDS.items()}
    best = max(found, key=lambda name: found[name])
    return best if found[best] >= 3 and found[best] > 0.05 * words.total() else ""


def tokens_of(texts: Iterable[str]) -> float:
    """About how many tokens a character of the texts is."""
    text = _joined(texts)
    if not text:
        return 1 / _LATIN
    wide = len(_WIDE.findall(text)) / len(text)
    latin = sum(letter < "\u0250" for letter in text) / len(text)
    return wide / _DENSE + latin / _LATIN + max(0.0, 1 - wide - latin) / _OTHER


def _joined(texts: Iterable[str]) -> str:
    found, held = [], 0
    for text in texts:
        found.append(text[:5000])
        held += len(found[-1])
        if held > _CHARACTERS:
            break
    return " ".join(found)
