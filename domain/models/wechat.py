"""WeChat's doors: visits of people whom WeChat names by an openid, and which of WeChat's pushes have been taken."""

# SQLModel declares __tablename__ as something else than the str it takes
# pyright: reportAssignmentType=false

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime, Index
from sqlmodel import Field, SQLModel

from db.ids import uuid7


class WechatVisit(SQLModel, table=True):
    """A browser that was sent to WeChat to say whose it is. `state_hash` is the SHA-256 of what it has to bring back, `onward`
    the page it wanted. `openid`: whose WeChat it is, while nobody here has it; it never leaves the server."""

    __tablename__ = "wechat_visit"
    __table_args__ = (
        Index("wechat_visit_browser", "browser_key", "created_at"),
        Index("wechat_visit_ip", "ip", "created_at"),
    )

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    state_hash: str = Field(unique=True)
    browser_key: str
    ip: str | None = None
    onward: str
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    returned_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    openid: str | None = None


class WechatPush(SQLModel, table=True):
    """A push of WeChat's that was taken: `key` is a SHA-256 that is the same whenever it comes again."""

    __tablename__ = "wechat_push"

    key: str = Field(primary_key=True)
    taken_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, index=True))
