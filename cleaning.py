"""What people paste, without what nobody sees (docs/adr/0023).

A phone copied from a list of contacts stands between U+202D and U+202C, a code from a web page holds U+200B, a name from a PDF an
odd space. Each kind of input is cleaned by one of these, where it is read and before it is checked; what is kept and shown is the
cleaned one. None of them refuses anything, and each changes nothing in what it has cleaned already.
"""

import re
import unicodedata

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
# Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt, 17.0), and the marks around interlinear annotations.
_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_HAN = (
    "\u2e80-\u2fdf\u3005\u3007\u3021-\u3029\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
)
_PICTURE = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d"
    "\u3297\u3299\U0001f000-\U0001faff"
)
_PART = f"[{_PICTURE}](?:\ufe0f|[\U0001f3fb-\U0001f3ff])?"
# What is invisible and yet changes what is seen: pictures joined to one, a picture's or a key's style, the flag of a region, the
# variant of a Han character.
_SHAPING = "|".join(
    (
        f"{_PART}(?:\u200d{_PART})+",
        f"[{_PICTURE}][\ufe0e\ufe0f]",
        "[0-9#*]\ufe0f\u20e3",
        "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f",
        f"[{_HAN}][\ufe00-\ufe0f\U000e0100-\U000e01ef]",
    )
)
_HIDDEN = re.compile(f"({_SHAPING})|[{_IGNORABLE}]+")
_UNSEEN = re.compile(f"[{_IGNORABLE}]+")
_SEEN = re.compile(f"[^\\s\u2800{_IGNORABLE}]")
_TURNING = re.compile(f"[{_BIDI}]+")
_BLANK = re.compile("[\t\v\f\u0085\u2028\u2029\u2800]")
_NEW_LINE = re.compile("\r\n|[\r\v\f\u0085\u2028\u2029]")
# Dashes that Unicode does not call so: modifier minus, hyphen bullet, minus, heavy minus, box drawing, prolonged sound.
_DASHES = frozenset("\u02d7\u2043\u2212\u2500\u2796\u30fc")
_LEFT_OUT = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
_NEVER_SHOWN = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})
_UPPER = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
FIRST_LATER_HAN, LAST_LATER_HAN = "\U00020000", "\U0003fffd"


def clean_identifier(raw: str) -> str:
    """A number or code people copy: NFKC, without spaces, dashes of any kind, controls and whatever is invisible."""
    if raw.isascii() and raw.isalnum():
        return raw
    return unicodedata.normalize("NFKC", _drop_between(unicodedata.normalize("NFKC", raw)))


def clean_code(raw: str) -> str:
    """The same in capitals, where the standard has them. Only a-z have any here: an `ı` does not become a right letter."""
    if raw.isascii() and raw.isalnum():
        return raw.upper()
    kept = _drop_between(unicodedata.normalize("NFKC", raw))
    return unicodedata.normalize("NFKC", kept.translate(_UPPER))


def clean_line(raw: str) -> str:
    """A title, or an answer in one line: nothing that turns the direction of writing, nothing of no width, no blanks around it.

    Every Han character, `·`, and what joins emoji stay. A line break stays too: the caller says whether there may be one.
    """
    return _BLANK.sub(" ", _drop_hidden(raw)).strip()


def clean_name(raw: str) -> str:
    """The name of somebody or something: as a line, with one plain space where there are blanks of any kind."""
    return " ".join(clean_line(raw).split())


def clean_text(raw: str) -> str:
    """A long text: nothing that turns the direction of writing, since it disguises what is read; every line break is a `\\n`.

    Empty where nothing in it can be seen.
    """
    text = drop_turning(_NEW_LINE.sub("\n", raw)).strip()
    return "" if is_blank(text) else text


def is_blank(text: str) -> bool:
    """Whether nothing in it can be seen: what `clean_line` makes empty, found out in no time in a text that says something."""
    return _SEEN.search(text) is None


def drop_turning(text: str) -> str:
    """Without bidirectional controls, and otherwise as it is: for what is still being typed."""
    return _TURNING.sub("", text)


def clean_words(raw: str) -> str:
    """What is searched for: NFKC, nothing invisible, one space between words. Upper and lower case are left to who compares."""
    return unicodedata.normalize("NFKC", clean_name(unicodedata.normalize("NFKC", clean_name(raw))))


def clean_address(raw: str) -> str:
    """A mail address, an office's telephone, a number or a date as it is typed: as words, and a dash of any kind is a `-`."""
    return "".join("-" if _is_dash(char) else char for char in clean_words(raw))


def is_plain(line: str) -> bool:
    """Whether a cleaned line holds only what every reader is shown alike: no controls, halves of characters, private or unused
    places. Han characters that are newer than Python's own tables count as what they are."""
    return line.isprintable() or not any(map(_is_never_shown, line))


def _drop_hidden(text: str) -> str:
    return text if text.isascii() else _HIDDEN.sub(lambda found: found[1] or "", text)


def _drop_between(text: str) -> str:
    return "".join(char for char in _UNSEEN.sub("", text) if not _is_between(char))


def _is_between(char: str) -> bool:
    return unicodedata.category(char) in _LEFT_OUT or _is_dash(char) or char == "\u2800"


def _is_dash(char: str) -> bool:
    return unicodedata.category(char) == "Pd" or char in _DASHES


def _is_never_shown(char: str) -> bool:
    return unicodedata.category(char) in _NEVER_SHOWN and not FIRST_LATER_HAN <= char <= LAST_LATER_HAN
