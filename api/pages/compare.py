"""Before and after of one text, with what was taken out and what was put in marked."""

import re
from difflib import SequenceMatcher

from markupsafe import Markup, escape

LONG = 1500  # beyond this, sentences are compared instead of characters
_LETTERS = re.compile(r"[A-Za-z0-9]+|\s+|.", re.DOTALL)
_SENTENCES = re.compile(r"[^。；！？\n]*[。；！？\n]?", re.DOTALL)


def mark_changes(before: str, after: str) -> tuple[Markup, Markup]:
    """The two texts, escaped, with `<del>` and `<ins>` around what differs."""
    if not before or not after:
        return _wrap("del", before), _wrap("ins", after)
    pattern = _SENTENCES if len(before) + len(after) > LONG else _LETTERS
    old, new = pattern.findall(before), pattern.findall(after)
    left, right = Markup(""), Markup("")
    for what, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        kept, put = "".join(old[a:b]), "".join(new[c:d])
        left += escape(kept) if what == "equal" else _wrap("del", kept)
        right += escape(put) if what == "equal" else _wrap("ins", put)
    return left, right


def _wrap(tag: str, text: str) -> Markup:
    return Markup("<{0}>{1}</{0}>").format(tag, text) if text else Markup("")
