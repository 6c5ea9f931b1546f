"""What the trust list tells its administrator in time: an authority or a revocation list that has expired or soon will.
The sentences are Chinese, they stand on an administration page; times are Beijing's."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone

from cardauth.authorities import Authority
from cardauth.revocation import RevocationList

BEIJING = timezone(timedelta(hours=8))
AUTHORITY_SOON = timedelta(days=30)
LIST_SOON = timedelta(days=1)
"""Or a quarter of the list's life, where that is less: lists that are renewed every day would always be due soon."""


def tell(authorities: Iterable[Authority], now: datetime) -> Iterator[str]:
    """A sentence for each thing to be done, authority by authority."""
    for authority in authorities:
        yield from _tell_authority(authority, now)
        yield from _tell_lists(authority, now)


def closes_at(authority: Authority) -> datetime:
    """When this authority's cards can no longer be checked, if nobody renews anything; the past without a list."""
    certificate = authority.certificate
    return min(
        certificate.not_valid_after_utc,
        min((one.until_at for one in authority.lists), default=certificate.not_valid_before_utc),
    )


def _tell_authority(authority: Authority, now: datetime) -> Iterator[str]:
    until = authority.certificate.not_valid_after_utc
    if now > until:
        yield f"发卡机构“{authority.name}”的证书已于{_date(until)}到期，它发的卡不能登录。请换上新的机构证书。"
    elif now < authority.certificate.not_valid_before_utc:
        yield f"发卡机构“{authority.name}”的证书尚未生效，它发的卡不能登录。"
    elif until - now <= AUTHORITY_SOON:
        yield f"发卡机构“{authority.name}”的证书将于{_date(until)}到期，到期后它发的卡不能登录。请换上新的机构证书。"


def _tell_lists(authority: Authority, now: datetime) -> Iterator[str]:
    if not authority.lists:
        yield f"发卡机构“{authority.name}”没有可用的吊销名单，它发的卡不能登录。请放入新的吊销名单。"
    for one in authority.lists:
        if now >= one.until_at:
            yield f"发卡机构“{authority.name}”的吊销名单 {one.file} 已于{_time(one.until_at)}过期，卡登录已受影响。请尽快更新。"
        elif not one.is_current(now):
            yield f"发卡机构“{authority.name}”的吊销名单 {one.file} 尚未生效，请核对本机时间。"
        elif one.until_at - now <= _soon(one):
            yield f"发卡机构“{authority.name}”的吊销名单 {one.file} 将于{_time(one.until_at)}过期，请及时更新。"


def _soon(one: RevocationList) -> timedelta:
    return min(LIST_SOON, (one.until_at - one.from_at) / 4)


def _date(at: datetime) -> str:
    there = at.astimezone(BEIJING)
    return f"{there.year}年{there.month}月{there.day}日"


def _time(at: datetime) -> str:
    return f"{_date(at)} {at.astimezone(BEIJING):%H:%M}"
