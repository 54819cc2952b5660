"""Misread text: our repair beside ftfy's, on sentences that were misread by script and on sound ones.

    python -m benchmarks.bench_mojibake [--sentences 2000]

Sentences in eleven languages are encoded as UTF-8 and read as Windows-1252 or Latin-1, once or
twice; the others are sound, many of them with signs that look misread. Repaired: the sentence as it
was before. Harmed: a sound one that comes back different, apart from white space and quotation
marks, which both tools may straighten.
"""

# ruff: noqa: E501

from __future__ import annotations

import argparse
import random
from collections.abc import Callable

from benchmarks.measure import header, in_turn, peer, table
from stages.clean.normalize import Normalize, repaired

SOUND = (
    "Das Mädchen aß Käse und Brötchen in der Straße.", "Le café où l'été s'achève déjà — à Noël.",
    "El niño comió piña y se rió en España.", "Žluťoučký kůň úpěl ďábelské ódy.",
    "Zażółć gęślą jaźń.", "Ο γρήγορος σκύλος τρέχει.", "Съешь ещё этих мягких булок.",
    "日本語の文章もあります。", "북쪽 바람이 분다.", "Árvíztűrő tükörfúrógép.", "O coração não é são.",
    "“Smart quotes” – and dashes — cost €5 … or £4.", "The naïve façade of a résumé.", "Emoji 😀 and ✓ are fine.",
)  # fmt: skip
ODD = (
    "Â is a letter of Romanian, and â too: Âncora.", "© 2020 Müller & Söhne ® ™", "He said: Ã is a letter in São Tomé.",
    "5 µm ± 2 °C, x² + y³ ≥ ½", "Ça va? Œuvre, cœur, Ÿ.", "Þórður át súrmat.", "ÀÉÎÕÜ ÄËÏÖÜ", "MÃE, IRMÃ, MAÇÃ",
    "L’œuf à la coque … «bien»", "Është në Shqipëri.", "café”… and naïve’s", "±1 § 3 ¶ 4 º ª",
)  # fmt: skip


def misread(text: str, charset: str, times: int) -> str | None:
    """UTF-8 read as another charset, so often; None where it has no such characters."""
    for _ in range(times):
        try:
            text = text.encode().decode(charset)
        except UnicodeDecodeError:
            return None
    return text


def same(one: str, other: str) -> bool:
    """Equal but for white space and the shape of quotation marks."""
    plain = str.maketrans("“”‘’«»", '""\'\'""')
    return " ".join(one.translate(plain).split()) == " ".join(other.translate(plain).split())


def pairs(count: int, seed: int = 0) -> list[tuple[str, str, str]]:
    """(what was done to it, before, after)."""
    rng, made = random.Random(seed), []
    while len(made) < count:
        text = " ".join(rng.sample(SOUND, rng.randint(1, 3)))
        charset, times = rng.choice(("cp1252", "latin-1")), rng.choice((1, 1, 2))
        broken = misread(text, charset, times)
        kind = rng.choice(("misread", "misread", "sound", "sound, odd signs"))
        if kind == "misread" and broken is not None:
            made.append((f"{charset}, {times} times", text, broken))
        elif kind != "misread":
            text = text if kind == "sound" else f"{text} {rng.choice(ODD)}"
            made.append((kind, text, text))
    return made


def main() -> None:
    """Print the shares and the speed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sentences", type=int, default=2000)
    made = pairs(parser.parse_args().sentences)
    header("mojibake", "ftfy")
    ftfy = peer("ftfy")
    tools: dict[str, Callable[[str], str]] = {
        "our repair": repaired,
        "all of normalize": Normalize().text,
    }
    if ftfy is not None:
        tools["ftfy"] = ftfy.fix_text
    kinds = sorted({kind for kind, _, _ in made})
    shares = []
    for kind in kinds:
        its = [(before, after) for one, before, after in made if one == kind]
        right = [sum(same(tool(after), before) for before, after in its) / len(its)
                 for tool in tools.values()]  # fmt: skip
        shares.append((kind, len(its), *right))
    table(("share that comes back right", "texts", *tools), shares)
    timed = in_turn({name: (lambda tool=tool: [tool(after) for _, _, after in made])
                     for name, tool in tools.items()}, 3)  # fmt: skip
    table(
        ("", "texts/CPU-s"), [(name, round(len(made) / one.seconds)) for name, one in timed.items()]
    )


if __name__ == "__main__":
    main()
