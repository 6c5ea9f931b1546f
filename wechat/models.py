"""What all processes of an installation share about WeChat: the access token and the ticket, sealed, and who is renewing them."""

# SQLModel declares __tablename__ as something else than the str it takes
# pyright: reportAssignmentType=false

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Column, DateTime, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from db.ids import uuid7


class WechatCredential(SQLModel, table=True):
    """One credential of one account. `renewing_until`: a process is fetching it; others leave it alone until then.

    `forced_*` count the forced renewals of a day (in Beijing), of which WeChat allows 20, each 30 seconds after the last.
    """

    __tablename__ = "wechat_credential"
    __table_args__ = (UniqueConstraint("app_id", "kind", name="wechat_credential_one"),)

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    app_id: str
    kind: str
    sealed: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    expires_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    renewing_until: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    forced_on: date | None = None
    forced_count: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    forced_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
