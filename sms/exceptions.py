"""What this room refuses. How sending ends is not here but in `sending`.

Refusal
└── CallbackRefused        a provider's report that is not taken; `reason` is one English word, never anything of the report's
    ├── CallbackForged         token
    └── CallbackUnreadable     size, json, rows, row
ValueError
└── SmsMisconfigured       settings or the templates' file; the text names each mistake
"""

from collections.abc import Sequence

from errors import Refusal


class CallbackRefused(Refusal):
    """这份短信回执未被接受，没有任何改动。"""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class CallbackForged(CallbackRefused):
    """短信回执的地址不正确。"""


class CallbackUnreadable(CallbackRefused):
    """短信回执的内容无法识别。"""


class SmsMisconfigured(ValueError):
    """SMS cannot be sent as it is set up."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("SMS: " + "; ".join(self.mistakes))
