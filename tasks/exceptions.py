"""What human work refuses.

Refusal
├── AnswersRefused   mistakes in the answers, one sentence a field    errors
├── KeyReused        the idempotency key was used for another body
├── NotAllowed       known to the caller, but not theirs to do
├── WorkNotPlaced    a leaver's open work has nobody to go to           errors
└── NotFound         does not exist, or is none of the caller's business: nobody can tell which
"""

from collections.abc import Mapping

from errors import Refusal


class AnswersRefused(Refusal):
    """填写的内容有误，请修改后再提交。"""

    def __init__(self, errors: Mapping[str, str], message: str | None = None) -> None:
        super().__init__(message, errors=dict(errors))
        self.errors = dict(errors)


class KeyReused(Refusal):
    """这个幂等键已用于另一次提交，内容不同，不能重复使用。"""


class NotAllowed(Refusal):
    """您没有办理这件事的权限。"""


class WorkNotPlaced(AnswersRefused):
    """还有没办结的问题，请选择由谁接手。"""


class NotFound(Refusal):
    """没有找到，或者您无权查看。"""
