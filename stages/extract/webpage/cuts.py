"""Why text of a page is left out: every character of it is in the record or has a reason.

The text of a page is all text of its body but what stands in scripts, styles, templates and
frames. Characters are counted without white space, of which the page's is not the record's.
"""

from __future__ import annotations

from typing import NamedTuple

from stages.extract.webpage.tree import Node, nonspace

CUTS = {
    "navigation": "the tag or role of a menu, a search or a row of tabs",
    "aside": "the tag aside or its role: what stands beside the text",
    "footer": "the tag footer or its role",
    "banner": "the role of a site's banner",
    "form": "forms, buttons, lists to choose from and other controls",
    "notice": "the tag or role of a dialog or an alert",
    "hidden": "attributes or styles that hide it",
    "furniture": "its class or id calls it a menu, a notice, an advertisement, a byline",
    "permalink": "the sign beside a heading that links to it",
    "line_number": "numbers of the lines of code",
    "comments": "its class or id calls it readers' comments",
    "deleted": "what stands in the place of a deleted post",
    "outside": "outside the region, the main part or the elements that were chosen",
    "links": "lists of links within the part that was chosen",
    "related": "a section whose heading leads to other pages or asks something of the reader",
    "title": "the title of an article, which is in `meta`",
    "heading": "headings at the end, which nothing follows",
    "drawing": "text in drawings (svg)",
    "formula": "what a formula shows, in whose place its LaTeX stands",
    "fallback": "what stands in for scripts, objects, sound and film (noscript, object, canvas …)",
    "unread": "text in elements that are not read (map, xmp, plaintext), or astray in a table",
    "backticks": "backticks of the page itself: alone in a line, or where format is text",
}


class Cut(NamedTuple):
    """Text that is in no block. at: the number of blocks before it; what: where it stands, or how
    many characters it has, once the tree is let go."""

    at: int
    reason: str
    what: Node | str | int

    @property
    def characters(self) -> int:
        """Characters other than white space."""
        if isinstance(self.what, int):
            return self.what
        return nonspace(self.what) if isinstance(self.what, str) else self.what.nonspace
