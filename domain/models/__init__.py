"""Customs' own records: one file a noun family; importing this package registers every table."""

from domain.models.accounts import Captcha, SignInChallenge, SignInSession
from domain.models.audit import AuditBatch, AuditHead, AuditPersonal, AuditRecord
from domain.models.cards import Card, CardChallenge, CardRequest, CardVisit
from domain.models.desk import AnswerTemplate, IssuePresence, IssueSeen, SavedFilter
from domain.models.issues import (
    Attachment,
    Evaluation,
    Issue,
    IssueAnswer,
    IssueChange,
    IssueOffice,
    IssueRecord,
    IssueWords,
)
from domain.models.lists import CalendarDay, ListEntry, OfficeHoursRow
from domain.models.people import (
    AdminOffer,
    CustomsOffice,
    Enterprise,
    Membership,
    Officer,
    OfficerRole,
    Person,
    PersonMail,
    WechatBinding,
)
from domain.models.phones import PhoneRequest
from domain.models.registrations import Registration, RegistrationChange, RegistrationDraft
from domain.models.wechat import WechatPush, WechatVisit

__all__ = [
    "AdminOffer",
    "AnswerTemplate",
    "Attachment",
    "AuditBatch",
    "AuditHead",
    "AuditPersonal",
    "AuditRecord",
    "CalendarDay",
    "Captcha",
    "Card",
    "CardChallenge",
    "CardRequest",
    "CardVisit",
    "CustomsOffice",
    "Enterprise",
    "Evaluation",
    "Issue",
    "IssueAnswer",
    "IssueChange",
    "IssueOffice",
    "IssuePresence",
    "IssueRecord",
    "IssueSeen",
    "IssueWords",
    "ListEntry",
    "Membership",
    "OfficeHoursRow",
    "Officer",
    "OfficerRole",
    "Person",
    "PersonMail",
    "PhoneRequest",
    "Registration",
    "RegistrationChange",
    "RegistrationDraft",
    "SavedFilter",
    "SignInChallenge",
    "SignInSession",
    "WechatBinding",
    "WechatPush",
    "WechatVisit",
]
