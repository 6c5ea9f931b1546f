"""What the checks of a process's files report: one finding a mistake, in the analyst's words."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake: `file` and `element` (id, field or place; empty for the whole file) say where, `rule` is a stable
    word for programs, `sentence` tells the analyst what is wrong and what to do."""

    file: str
    element: str
    rule: str
    sentence: str

    def __str__(self) -> str:
        place = f"{self.file}：{self.element}" if self.element else self.file
        return f"{place}：{self.sentence}（{self.rule}）"
