"""The one base of everything a caller may have asked for in vain; rooms derive their own kinds in `<room>/exceptions.py`.

Refusal
├── engine.exceptions   a task that is gone, taken or somebody else's; a message nobody waits for; a refused diagram
├── tasks.exceptions    answers with mistakes; a key used twice; something that may not be seen
├── domain.exceptions   customs' own rules
├── cardauth.exceptions a card, or a CAS server's ticket, that is not taken
├── sms.exceptions      a provider's report that is not taken
└── wechat.exceptions   a visitor of WeChat's, a picture, a push that is not WeChat's
"""

from typing import Any, ClassVar


class Refusal(Exception):
    """请求未被接受，没有任何改动。"""

    keeps_changes: ClassVar[bool] = False
    """Whether the edge commits what was written before the refusal; only for what must be remembered, like a wrong try."""

    heading: ClassVar[str | None] = None
    """What stands above it on a page of its own, where its status alone would say the wrong thing."""

    def __init__(self, message: str | None = None, **details: Any) -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        self.details = details
        super().__init__(self.message)
