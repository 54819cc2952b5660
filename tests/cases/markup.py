"""Cases of markup: texts in each format, texts that stay, and tags without a text."""

from __future__ import annotations

from pathlib import Path

from stages.clean.markup import ConvertMarkup
from stages.testing import Case

HIDDEN = (
    "<p>Seen</p><p hidden>not</p><p>`</p><select><option>one</select><svg><text>low</text></svg>"
    "<math><mi>h</mi></math><canvas>old</canvas><xmp>raw</xmp>"
)
RECORDS = [
    {"text": "<p>Salt <b>first</b>.</p><ul><li>water</li></ul>"},
    {"text": HIDDEN},
    {"prompt": "[b]Why[/b] salt?", "completion": "See <a href='x'>the book</a> &amp; taste."},
    {"prompt": "And sugar?", "completion": "<img src='sugar.png'>"},
    {
        "messages": [
            {"role": "user", "content": "<r><B><s>[b]</s>Hi<e>[/b]</e></B></r>"},
            {"role": "assistant", "content": "Plain, and 2 < 3."},
        ]
    },
    {"text": "# Markdown\n\nA line<br>and [another](x.md)."},
]


def cases(folder: Path) -> list[Case]:
    """All formats by content; one that is given; a page of too many tags."""
    return [
        Case(ConvertMarkup(), RECORDS, reasons={"empty": 1}),
        Case(ConvertMarkup(on="output", format="html"), RECORDS, reasons={"empty": 1}),
        Case(ConvertMarkup(format="bbcode"), RECORDS),
        Case(ConvertMarkup(format="phpbb"), RECORDS, reasons={"empty": 1}),
        Case(ConvertMarkup(), [{"text": "a<br>" * ((1 << 20) + 1)}], reasons={"markup": 1}),
    ]
