"""People and the places they belong to: persons, enterprises with their members, customs offices with their officers."""

# SQLModel declares __tablename__ as something else than the str it takes
# pyright: reportAssignmentType=false

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from db.ids import uuid7

ENTERPRISE_ROLES = ("enterprise_admin", "executive", "customs_affairs")
OFFICER_ROLES = (
    "registrar",
    "handler",
    "section_chief",
    "supervisor",
    "analyst",
    "system_admin",
    "security_admin",
    "auditor",
)
ADMINISTRATORS = ("system_admin", "security_admin", "auditor")
"""Three roles, three people (GB/T 22239-2019); held at the top office."""
ROLE_NAMES = {
    "enterprise_admin": "企业管理员",
    "executive": "企业高管",
    "customs_affairs": "关务人员",
    "registrar": "注册审核员",
    "handler": "经办关员",
    "section_chief": "科室负责人",
    "supervisor": "督办员",
    "analyst": "业务分析员",
    "system_admin": "系统管理员",
    "security_admin": "安全管理员",
    "auditor": "审计管理员",
}
"""What people call the roles, members' first."""


class Person(SQLModel, table=True):
    """自然人账号: one mobile number (`+86…`), one person, for all enterprises."""

    __tablename__ = "person"

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    name: str
    phone: str = Field(unique=True)
    active: bool = True
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class PersonMail(SQLModel, table=True):
    """A person's mail address; nothing but the request to confirm it is sent there before it is confirmed."""

    __tablename__ = "person_mail"

    person_id: UUID = Field(sa_column=Column(ForeignKey("person.id"), primary_key=True))
    address: str
    given_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    confirmed_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class WechatBinding(SQLModel, table=True):
    """A person's WeChat: the openid that the official account knows them by. One each way; who unbinds has no row any more.

    Whoever has unsubscribed from the account stays bound and signed in, and gets no messages there; `told_at` is when WeChat last
    said which of the two it is.
    """

    __tablename__ = "wechat_binding"

    person_id: UUID = Field(sa_column=Column(ForeignKey("person.id"), primary_key=True))
    openid: str = Field(unique=True)
    bound_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    unsubscribed_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    told_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class Enterprise(SQLModel, table=True):
    """企业: `status` is pending, approved, returned, refused, suspended or superseded; only approved ones raise issues.

    One row an application: those that are not approved reserve nothing, one of them takes the uscc.
    """

    __tablename__ = "enterprise"
    __table_args__ = (
        CheckConstraint(
            "status in ('pending', 'approved', 'returned', 'refused', 'suspended', 'superseded')",
            name="enterprise_status",
        ),
        Index(
            "enterprise_registered",
            "uscc",
            unique=True,
            postgresql_where=text("status in ('approved', 'suspended')"),
        ),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    name: str
    uscc: str = Field(index=True)
    customs_code: str | None = None
    address: str = ""
    legal_person: str = ""
    status: str = "pending"
    suspended_for: str = Field(default="", sa_column_kwargs={"server_default": ""})
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class Membership(SQLModel, table=True):
    """成员: person × enterprise, with a set of roles.

    `active` is what everything reads; `suspended_at` and `removed_at` say why it is false. `work_to` and `reviews_to` are
    the members who take over what this one had open, as the admin said.
    """

    __tablename__ = "membership"
    __table_args__ = (
        UniqueConstraint("person_id", "enterprise_id"),
        CheckConstraint(
            "not active or (suspended_at is null and removed_at is null)", name="membership_active"
        ),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    person_id: UUID = Field(sa_column=Column(ForeignKey("person.id"), nullable=False))
    enterprise_id: UUID = Field(sa_column=Column(ForeignKey("enterprise.id"), nullable=False, index=True))
    display_name: str = ""
    position: str = ""
    roles: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(Text), nullable=False))
    active: bool = True
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    suspended_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    removed_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    work_to: UUID | None = Field(default=None, sa_column=Column(ForeignKey("membership.id")))
    reviews_to: UUID | None = Field(default=None, sa_column=Column(ForeignKey("membership.id")))


class AdminOffer(SQLModel, table=True):
    """An enterprise admin asks another member to take the role over; it moves when that one accepts.

    `kept_roles` are what the one who asks is afterwards. `outcome` is accepted, declined or cancelled; null while open.
    """

    __tablename__ = "admin_offer"
    __table_args__ = (
        CheckConstraint("outcome in ('accepted', 'declined', 'cancelled')", name="admin_offer_outcome"),
        Index("admin_offer_open_from", "from_id", unique=True, postgresql_where=text("outcome is null")),
        Index("admin_offer_open_to", "to_id", postgresql_where=text("outcome is null")),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    from_id: UUID = Field(sa_column=Column(ForeignKey("membership.id"), nullable=False))
    to_id: UUID = Field(sa_column=Column(ForeignKey("membership.id"), nullable=False))
    kept_roles: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(Text), nullable=False))
    offered_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    decided_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    outcome: str | None = None


class CustomsOffice(SQLModel, table=True):
    """海关单位: a tree under 2300; `source` says where the code was found."""

    __tablename__ = "customs_office"

    code: str = Field(primary_key=True, max_length=4)
    name: str
    parent: str | None = Field(default=None, sa_column=Column(ForeignKey("customs_office.code")))
    active: bool = True
    source: str = ""


class Officer(SQLModel, table=True):
    """海关关员: signs in with password (argon2) and code. `office` is where they belong; what they may do are roles."""

    __tablename__ = "officer"

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    person_id: UUID = Field(sa_column=Column(ForeignKey("person.id"), nullable=False, unique=True))
    office: str | None = Field(default=None, sa_column=Column(ForeignKey("customs_office.code"), index=True))
    password_hash: str
    must_change_password: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    active: bool = True
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


class OfficerRole(SQLModel, table=True):
    """A role of an officer at one office; as a group it is written `role:office`, for example `handler:2301`."""

    __tablename__ = "officer_role"
    __table_args__ = (
        # System, security and audit administration: no person holds two of the three, whatever races.
        Index(
            "officer_role_one_administration",
            "officer_id",
            unique=True,
            postgresql_where=text("role in ('system_admin', 'security_admin', 'auditor')"),
        ),
    )

    officer_id: UUID = Field(sa_column=Column(ForeignKey("officer.id"), primary_key=True))
    role: str = Field(primary_key=True)
    office: str = Field(sa_column=Column(ForeignKey("customs_office.code"), primary_key=True, index=True))
