"""What customs' own rules refuse; each docstring is the sentence a user reads.

Refusal
├── NoExecutive, ChooseExecutive        who reviews
├── EnterpriseNotApproved               may not raise issues yet
│   └── EnterpriseSuspended             or no more: reads only
├── EnterpriseRegistered, AlreadyApplied, PhoneDisabled    who may not register it
├── OfficeClosed, SameOffice            where an issue may go
├── CannotWithdraw                      too late
├── CaptchaRefused                      before the first code
├── CodeRefused, TooManyCodes           signing in
├── CardUnfit, CardTaken                binding a card
│   CardSignInRefused                   signing in with it, or through CAS
│   WechatSignInRefused                 signing in with one's WeChat
├── PasswordRefused, PasswordMustChange an officer's password
├── CannotKeep                          a filter or template with something missing    errors
├── PhoneRefused                        one's number
├── MailRefused, MailNotConfirmed       one's mail address
├── AttachmentRefused                   a file that may not come in
├── FilesBusy                           too many files are being read
├── ChainBroken                         the seal of the audit log
├── NotAdmin, MemberUnknown             who keeps the members of an enterprise, and whom
│   MemberRefused, MemberExists         what was typed about a member    errors
│   LastAdmin, OfferGone                the admin's own role
│   SheetRefused                        an Excel file that cannot be read
├── FormRefused                         what an administrator typed    errors
├── RecordUnknown                       an office, officer, entry that is not there
└── NotAdministrator                    the role was taken away meanwhile
    ChangeRefused                       an administrator's change that breaks a rule
    ├── OwnRights                       nobody changes their own
    ├── RolesApart                      GB/T 22239-2019: three administrators, three people
    └── LastAdministrator               somebody has to be left
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from errors import Refusal


class NoExecutive(Refusal):
    """贵企业还没有企业高管，无法提交审核。请联系企业管理员在“用户管理”中添加企业高管。"""


class ChooseExecutive(Refusal):
    """贵企业有多位企业高管，请选择一位负责审核。"""


class EnterpriseNotApproved(Refusal):
    """贵企业的注册尚未通过海关审核，暂时不能提出问题。"""


class EnterpriseRegistered(Refusal):
    """这家企业已经注册，不能重复注册。需要使用系统的，请联系本企业的企业管理员添加；不清楚是谁的，请拨打 12360。"""


class AlreadyApplied(Refusal):
    """您已为这家企业提交过注册申请，请登录查看办理情况。"""


class PhoneDisabled(Refusal):
    """这个手机号已经停用，不能用来注册企业。请拨打 12360 咨询。"""


class OfficeClosed(Refusal):
    """该海关单位不存在或已停止受理，请选择其他海关单位。"""


class SameOffice(Refusal):
    """问题已在该海关单位办理，请选择其他海关单位。"""


class CannotWithdraw(Refusal):
    """海关已受理该问题，不能再撤回。"""


class CaptchaRefused(Refusal):
    """请填写图片里的字符。"""

    keeps_changes: ClassVar[bool] = True  # the picture is used up, whatever was answered

    def __init__(self, message: str | None = None, *, retry_after_s: int | None = None) -> None:
        super().__init__(message, field="captcha", retry_after_s=retry_after_s)


class CodeRefused(Refusal):
    """手机号、验证码或密码不正确，或验证码已失效。"""

    # A wrong try is counted in the caller's transaction: the edge must commit it although the request is refused.
    keeps_changes: ClassVar[bool] = True


class TooManyCodes(Refusal):
    """操作过于频繁，请稍后再试。"""

    keeps_changes: ClassVar[bool] = True  # the captcha that was solved before stays solved

    def __init__(self, message: str | None = None, *, retry_after_s: int, field: str | None = None) -> None:
        super().__init__(message, retry_after_s=retry_after_s, **({"field": field} if field else {}))


class CardUnfit(Refusal):
    """这张卡不能用来办理这项业务。"""


class CardTaken(Refusal):
    """这张卡已经绑定过，或者已经挂失，不能再绑定。"""


class CardSignInRefused(Refusal):
    """登录没有成功：这张卡没有绑定、已经解绑或挂失，或者账号已停用。可以改用手机验证码登录，或联系本企业的企业管理员。"""

    keeps_changes: ClassVar[bool] = True  # what was tried is on the record


class WechatSignInRefused(Refusal):
    """登录没有成功：这个微信绑定的账号已停用，或者不再属于任何企业。请联系本企业的企业管理员。海关关员请在电脑上使用网页版。"""

    keeps_changes: ClassVar[bool] = True  # what was tried is on the record


class PasswordRefused(Refusal):
    """密码不符合要求。"""

    keeps_changes: ClassVar[bool] = True  # a wrong old password is counted, the last one ends the session


class PasswordMustChange(Refusal):
    """请先设置您自己的密码，再办理其他事项。"""


class CannotKeep(Refusal):
    """填写的内容有误，没有保存。"""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(errors=dict(errors))
        self.errors = dict(errors)


class PhoneRefused(Refusal):
    """手机号码没有更换，请修改后再提交。"""

    keeps_changes: ClassVar[bool] = True  # wrong codes are counted

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(next(iter(errors.values()), None), errors=errors)


class AttachmentRefused(Refusal):
    """附件不符合要求。"""


class FilesBusy(Refusal):
    """正在处理的文件太多，请稍后再试。"""


class ChainBroken(Refusal):
    """审计记录的封存链与已签名的链尾不符，已停止封存。请运行 qingling audit verify 查明原因。"""


class NotAdmin(Refusal):
    """您已经不是这家企业的管理员，没有任何改动。"""


class MemberUnknown(Refusal):
    """贵企业没有这位用户。"""


class MemberRefused(Refusal):
    """填写的用户信息有误，请修改后再提交。"""

    def __init__(self, errors: Mapping[str, str], message: str | None = None, **details: Any) -> None:
        super().__init__(message, errors=dict(errors), **details)
        self.errors = dict(errors)


class MemberExists(MemberRefused):
    """这个手机号码已经是贵企业的用户。"""

    def __init__(self, *, is_suspended: bool) -> None:
        self.is_suspended = is_suspended
        more = "，现在停用，可以在列表中恢复" if is_suspended else ""
        sentence = f"这个手机号码已经是贵企业的用户{more}。"
        super().__init__({"phone": sentence}, sentence)


class LastAdmin(Refusal):
    """这是贵企业唯一的企业管理员，不能停用或移除。请先把企业管理员移交给其他用户。"""


class OfferGone(Refusal):
    """这项移交已经办结或取消，没有任何改动。"""


class SheetRefused(Refusal):
    """这个 Excel 文件不能导入。"""


class EnterpriseSuspended(EnterpriseNotApproved):
    """贵企业已被海关暂停使用，可以查看，不能提出或办理问题，也不能改动用户。如有疑问请拨打 12360。"""

    heading: ClassVar[str | None] = "暂停使用期间不能办理"


class FormRefused(Refusal):
    """填写的内容有误，请修改后再提交。"""

    def __init__(self, errors: Mapping[str, str], message: str | None = None) -> None:
        super().__init__(message, errors=dict(errors))
        self.errors = dict(errors)


class RecordUnknown(Refusal):
    """没有找到这条记录，可能已有变化。"""


class NotAdministrator(Refusal):
    """您已经没有这项管理权限，没有任何改动。"""


class ChangeRefused(Refusal):
    """这项改动不被接受，没有任何改动。"""


class OwnRights(ChangeRefused):
    """不能改动自己的权限或账号状态，请由另一位管理员办理。"""


class RolesApart(ChangeRefused):
    """系统管理员、安全管理员和审计管理员必须由不同的人担任（GB/T 22239-2019），一个人只能担任其中一种。"""


class LastAdministrator(ChangeRefused):
    """这是最后一位在岗的该类管理员，不能停用或收回。请先让另一位关员担任。"""


class MailRefused(Refusal):
    """邮箱地址的写法不对，请检查后重新填写。"""


class MailNotConfirmed(Refusal):
    """确认邮箱的链接已经失效，请重新填写邮箱。"""
