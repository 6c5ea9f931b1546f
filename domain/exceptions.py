"""What customs' own rules refuse; each docstring is the sentence a user reads.

Refusal
├── NoExecutive, ChooseExecutive        who reviews
├── EnterpriseNotApproved               may not raise issues yet
├── OfficeClosed, SameOffice            where an issue may go
├── CannotWithdraw                      too late
├── CodeRefused, TooManyCodes           signing in
├── PasswordRefused, PasswordMustChange an officer's password
└── AttachmentRefused                   a file that may not come in
"""

from typing import ClassVar

from errors import Refusal


class NoExecutive(Refusal):
    """贵企业还没有企业高管，无法提交审核。请联系企业管理员在“用户管理”中添加企业高管。"""


class ChooseExecutive(Refusal):
    """贵企业有多位企业高管，请选择一位负责审核。"""


class EnterpriseNotApproved(Refusal):
    """贵企业的注册尚未通过海关审核，暂时不能提出问题。"""


class OfficeClosed(Refusal):
    """该海关单位不存在或已停止受理，请选择其他海关单位。"""


class SameOffice(Refusal):
    """问题已在该海关单位办理，请选择其他海关单位。"""


class CannotWithdraw(Refusal):
    """海关已受理该问题，不能再撤回。"""


class CodeRefused(Refusal):
    """手机号、验证码或密码不正确，或验证码已失效。"""

    # A wrong try is counted in the caller's transaction: the edge must commit it although the request is refused.
    keeps_changes: ClassVar[bool] = True


class TooManyCodes(Refusal):
    """操作过于频繁，请稍后再试。"""

    def __init__(self, message: str | None = None, *, retry_after_s: int) -> None:
        super().__init__(message, retry_after_s=retry_after_s)


class PasswordRefused(Refusal):
    """密码不符合要求。"""

    keeps_changes: ClassVar[bool] = True  # a wrong old password is counted, the last one ends the session


class PasswordMustChange(Refusal):
    """请先设置您自己的密码，再办理其他事项。"""


class AttachmentRefused(Refusal):
    """附件不符合要求。"""
