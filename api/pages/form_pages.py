"""A form on a phone: one group of questions a page. A page ends where a text or a group of the form begins, after three
questions, and around a file; what shows only for certain answers stays with the question before it.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import Query

from api.pages.work import walk
from tasks.fields import Field

MOST = 3
NONE: Mapping[str, str] = MappingProxyType({})
PageNumber = Annotated[int | None, Query(ge=1, le=100)]


def split(shown: Sequence[Field]) -> list[list[Field]]:
    """The pages of these fields, at least one."""
    pages: list[list[Field]] = [[]]
    asked = 0
    for one in shown:
        alone = one.kind in ("filepicker", "group")
        depends = one.hide_when is not None
        begins = alone or one.kind == "text" or asked >= MOST
        if pages[-1] and begins and not depends:
            pages.append([])
            asked = 0
        pages[-1].append(one)
        asked += MOST if alone else int(not depends and one.kind != "text")
    return pages


def keys_of(page: Sequence[Field]) -> set[str]:
    """What this page asks for."""
    return {one.key for one in walk(page)}


class Asked:
    """What is asked at once. `wanted` is the page's number from 1; without one it is the first that has mistakes."""

    def __init__(
        self, pages: Sequence[Sequence[Field]], wanted: int | None, mistakes: Mapping[str, str] = NONE
    ) -> None:
        self.pages = pages
        self.number = min(max(wanted or self._find(mistakes) or 1, 1), len(pages))

    @property
    def fields(self) -> Sequence[Field]:
        """The questions of this page."""
        return self.pages[self.number - 1]

    @property
    def is_last(self) -> bool:
        """Whether everything is asked after it."""
        return self.number == len(self.pages)

    @property
    def query(self) -> str:
        """What the page's address ends in."""
        return f"?page={self.number}" if len(self.pages) > 1 else ""

    def page_of(self, key: str) -> int:
        """Where this is asked."""
        return self._find({key: ""}) or 1

    def mine(self, mistakes: Mapping[str, str]) -> dict[str, str]:
        """The mistakes that this page shows: its own, and those that belong nowhere."""
        elsewhere = {key for page in self.pages if page is not self.fields for key in keys_of(page)}
        return {key: sentence for key, sentence in mistakes.items() if key not in elsewhere}

    def join(self, saved: Mapping[str, Any], posted: Mapping[str, Any]) -> dict[str, Any]:
        """What was posted for this page, with what was saved of the others."""
        if len(self.pages) == 1:
            return dict(posted)
        asked = keys_of(self.fields)
        kept = {key: value for key, value in saved.items() if key not in asked}
        return kept | {key: value for key, value in posted.items() if key in asked}

    def onward(self, mistakes: Mapping[str, str]) -> str | None:
        """The query of the page that comes next: the same while it has mistakes; None once everything is asked and right."""
        own = keys_of(self.fields) & mistakes.keys()
        if mistakes and (own or self.is_last):
            number = self.number if own else self._find(mistakes) or self.number
            return f"?page={number}&mistakes=true" if len(self.pages) > 1 else "?mistakes=true"
        return None if self.is_last else f"?page={self.number + 1}"

    def _find(self, keys: Mapping[str, str]) -> int | None:
        for number, page in enumerate(self.pages, 1):
            if keys_of(page) & keys.keys():
                return number
        return None
