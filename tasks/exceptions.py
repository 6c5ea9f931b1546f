"""What human work refuses.

Refusal
├── AnswersRefused   mistakes in the answers, one sentence a field    errors
├── KeyReused        the idempotency key was used for another body
├── NotAllowed       known to the caller, but not theirs to do
├── WorkNotPlaced    a leaver's open work has nobody to go to           errors
├── NotFound         does not exist, or is none of the caller's business: nobody can tell which
└── AnchorUnreadable, NobodyMeant, ChainUnfit    the audit log's commands, told in the terminal
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


class AnchorUnreadable(Refusal):
    """链尾应写作 批号:摘要，例如 12:3f…（64 位十六进制数字）。"""


class NobodyMeant(Refusal):
    """请写 11 位手机号码，或自然人账号的编号。"""


class ChainUnfit(Refusal):
    """审计记录与封存时不同，不能重新签名。请先运行 qingling audit verify 查明原因。"""
