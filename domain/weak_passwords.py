"""How much of a password nobody would foresee: what is left when common words, runs of keys, repetitions, dates and the
person's own name and number are taken away.

The words are in `common_words.txt`, our own short list of what people here choose: love and luck in pinyin and digits,
names, the place of work, and the classics. A list of whole passwords would have to be a thousand times longer to catch
`Woaini@1314zhang`; pieces catch it in whatever order they stand.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SHORTEST_PIECE = 3
SHORTEST_OF_PHONE = 4
LEET = str.maketrans("013457@$!", "oieastasi")
ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "!@#$%^&*()",
    "qazwsxedcrfvtgbyhnujmikolp",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "147258369",
    "159357",
)
LONGEST_ROW = max(map(len, ROWS))
REPEATED = re.compile(r"(.{1,8}?)\1+")
# Days, years, mobile numbers, and the codes of our offices.
NUMBERS = re.compile(
    r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])|(?:19|20)\d\d|1[3-9]\d{9}|23[0-2]\d"
)


def count_unforeseen(password: str, *, name: str, phone: str) -> int:
    """How many characters of this password belong to nothing that is tried first."""
    written = password.casefold()
    foreseen = [False] * len(written)
    personal = list(pieces_of(name, phone))
    for text in (written, written.translate(LEET)):
        for start, end in find_pieces(text, personal):
            foreseen[start:end] = [True] * (end - start)
    for start, end in find_repeats(written):
        foreseen[start:end] = [True] * (end - start)
    return foreseen.count(False)


def find_pieces(text: str, personal: list[str]) -> Iterator[tuple[int, int]]:
    """Where the foreseeable pieces lie, as start and end."""
    for piece in (*common_words(), *personal):
        start = text.find(piece)
        while start >= 0:
            yield start, start + len(piece)
            start = text.find(piece, start + 1)
    for length in range(SHORTEST_PIECE, min(len(text), LONGEST_ROW) + 1):
        for start in range(len(text) - length + 1):
            if is_run(text[start : start + length]):
                yield start, start + length
    for found in NUMBERS.finditer(text):
        yield found.span()


def is_run(text: str) -> bool:
    """Whether these keys follow each other on the keyboard, in the alphabet or in counting, forwards or backwards."""
    return any(text in row or text[::-1] in row for row in ROWS)


def find_repeats(text: str) -> Iterator[tuple[int, int]]:
    """The second and further copies of what is repeated at once: `abcabc` says no more than `abc`."""
    for found in REPEATED.finditer(text):
        if len(found[0]) >= SHORTEST_PIECE:
            yield found.start() + len(found[1]), found.end()


def pieces_of(name: str, phone: str) -> Iterator[str]:
    """The name as it is written and in pinyin, whole and in its parts; every four digits of the phone."""
    from pypinyin import (
        lazy_pinyin,  # its dictionaries take half a second to load, and only new passwords need them
    )

    if name:
        yield name.casefold()
        syllables = [syllable.casefold() for syllable in lazy_pinyin(name)]
        turned = syllables[1:] + syllables[:1]  # the given name first
        parts = [syllables[i:j] for i in range(len(syllables)) for j in range(i + 1, len(syllables) + 1)]
        yield from (word for part in (*parts, turned) if len(word := "".join(part)) >= SHORTEST_PIECE)
    digits = phone.removeprefix("+86")
    yield from (digits[at : at + SHORTEST_OF_PHONE] for at in range(len(digits) - SHORTEST_OF_PHONE + 1))


@cache
def common_words() -> tuple[str, ...]:
    """The words of `common_words.txt`; `#` starts a comment."""
    lines = Path(__file__).with_name("common_words.txt").read_text(encoding="utf-8").splitlines()
    return tuple(word for line in lines for word in line.partition("#")[0].split())
