"""Ids as diagrams have them, and the identifiers made of them (ADR 26): any NCName of XML may be an id, but a variable and a
form's file need a name that an expression can say. The rule is written for analysts in docs/expressions.md."""

from __future__ import annotations

import re
import unicodedata

from engine.grammar import WORDS

MAX_ID = 200
"""Bytes of an id in UTF-8: with `.form` behind it every file system takes it as a name."""

_START = (
    r"A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d\u2070-\u218f"
    r"\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_NCNAME = re.compile(rf"[{_START}][{_START}\-.0-9\u00b7\u0300-\u036f\u203f\u2040]*")
_PATH = re.compile(r"[^\W\d_]\w*(?:\.[^\W\d_]\w*)+")


def is_ncname(text: str) -> bool:
    """Whether XML would take it as an id (Namespaces in XML 1.0, §4)."""
    return _NCNAME.fullmatch(text) is not None


def identifier(element_id: str) -> str:
    """The variable of an element, and its form's file without `.form`.

    Everything but letters and digits becomes `_`, several of them one, none at the ends; what then begins with a digit, is
    empty or is a word of the expression language gets `id_` before it. An identifier stays what it is.
    """
    name = re.sub(r"[\W_]+", "_", unicodedata.normalize("NFC", element_id)).strip("_")
    if name and not name[0].isdigit() and name not in WORDS:
        return name
    return f"id_{name}".rstrip("_")


def as_read(reference: str) -> str:
    """How an expression reads what a reference to data names: `issue.evaluators` is a field, `sid-1` the variable `sid_1`;
    what is no id is an expression already."""
    text = reference.strip()
    return identifier(text) if is_ncname(text) and not _PATH.fullmatch(text) else text
