"""The trust list's folder: what is read, what is left out and told of, reading again, and alarms in time."""

import base64
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import structlog
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from structlog.testing import capture_logs

from cardauth.exceptions import TrustUnavailable
from cardauth.trust import TrustStore, load_trust
from tests.cardauth.conftest import Desk
from tests.cardauth.pki import DAY, Extension, Pki, key_usage, of_authority

HOUR = timedelta(hours=1)


def pem(kind: str, der: bytes) -> bytes:
    body = base64.encodebytes(der).decode()
    return f"-----BEGIN {kind}-----\n{body}-----END {kind}-----\n".encode()


def test_a_good_folder_gives_no_alarm(desk: Desk) -> None:
    assert desk.trust.is_open(desk.now) and desk.trust.alarms(desk.now) == []
    assert desk.trust.closes_at() == desk.now + 7 * DAY


@pytest.mark.parametrize("made", [False, True])
def test_no_folder_and_an_empty_one_trust_nobody(tmp_path: Path, now: datetime, made: bool) -> None:
    folder = tmp_path / "trust"
    if made:
        (folder / "ca").mkdir(parents=True)
    trust = load_trust(folder)
    assert not trust.is_open(now) and trust.closes_at() is None
    assert trust.alarms(now) == ["没有可用的发卡机构证书（目录 ca），刷卡登录已关闭。"]


def test_pem_is_read_as_der_is_several_in_one_file_too(desk: Desk, now: datetime) -> None:
    other = Pki.make(now, desk.pki.kind, "另一家")
    both = pem("CERTIFICATE", desk.pki.issuing.certificate) + pem("CERTIFICATE", other.issuing.certificate)
    (desk.folder / "ca" / "issuing.crt").unlink()
    (desk.folder / "ca" / "both.pem").write_bytes(both)
    (desk.folder / "crl" / "issuing.crl").unlink()
    (desk.folder / "crl" / "one.pem").write_bytes(pem("X509 CRL", desk.pki.crl()))
    (desk.folder / "crl" / "other.crl").write_bytes(other.crl())
    assert desk.trust.alarms(now) == []
    assert desk.show(desk.pki.issue()) and desk.show(other.issue())


def test_other_files_are_nobodys_business(desk: Desk) -> None:
    for name in ("ca/README.txt", "ca/.issuing.crt.part", "crl/new.tmp"):
        (desk.folder / name).write_text("anything")
    assert desk.trust.alarms(desk.now) == []


def test_what_cannot_be_used_is_left_out_and_told_of(desk: Desk, now: datetime) -> None:
    stranger = Pki.make(now, desk.pki.kind, "没人认识的")
    for name, data in {
        "ca/broken.crt": b"not a certificate",
        "ca/broken.pem": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "ca/card.crt": desk.pki.issue().certificate,
        "crl/broken.crl": b"not a list",
        "crl/stranger.crl": stranger.crl(),
    }.items():
        (desk.folder / name).write_bytes(data)
    assert desk.trust.alarms(now) == [
        "文件 ca/broken.crt 没有采用：不是证书，或已损坏。",
        "文件 ca/broken.pem 没有采用：不是证书，或已损坏。",
        "文件 ca/card.crt 没有采用：不是可以签发证书和吊销名单的机构证书。",
        "文件 crl/broken.crl 没有采用：不是吊销名单（CRL），或已损坏。",
        "文件 crl/stranger.crl 没有采用：不是由 ca 目录中的发卡机构签发的。",
    ]
    assert desk.show(desk.pki.issue())


def unknown(critical: bool) -> Extension:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.32473.9"), b"\x05\x00"), critical


def purposes(purpose: x509.ObjectIdentifier) -> Extension:
    return x509.ExtendedKeyUsage([purpose]), False


CONSTRAINTS, USAGE = of_authority()
NOT_AN_AUTHORITY = "不是可以签发证书和吊销名单的机构证书"


@pytest.mark.parametrize(
    ("extensions", "why"),
    [
        ([USAGE], NOT_AN_AUTHORITY),
        ([CONSTRAINTS], NOT_AN_AUTHORITY),
        ([CONSTRAINTS, (key_usage(["crl_sign"]), True)], NOT_AN_AUTHORITY),
        ([CONSTRAINTS, (key_usage(["key_cert_sign"]), True)], NOT_AN_AUTHORITY),
        ([(x509.BasicConstraints(ca=False, path_length=None), True), USAGE], NOT_AN_AUTHORITY),
        ([(CONSTRAINTS[0], False), USAGE], "机构证书的基本约束（BasicConstraints）没有标为关键项"),
        (
            [CONSTRAINTS, USAGE, purposes(ExtendedKeyUsageOID.SERVER_AUTH)],
            "机构证书的扩展密钥用法（ExtendedKeyUsage）不含客户端身份验证",
        ),
        ([CONSTRAINTS, USAGE, unknown(True)], "机构证书含有系统不认识的关键扩展项"),
    ],
)
def test_an_authority_that_cannot_be_used_says_why(desk: Desk, extensions: list[Extension], why: str) -> None:
    desk.pki.renewed(extensions).write(desk.folder)
    assert desk.trust.alarms(desk.now)[0] == f"文件 ca/issuing.crt 没有采用：{why}。"
    with pytest.raises(TrustUnavailable):
        desk.show(desk.pki.issue())


@pytest.mark.parametrize(
    "extensions",
    [
        [CONSTRAINTS, (USAGE[0], False)],
        [(x509.BasicConstraints(ca=True, path_length=0), True), USAGE],
        [CONSTRAINTS, USAGE, purposes(ExtendedKeyUsageOID.CLIENT_AUTH)],
        [CONSTRAINTS, USAGE, purposes(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)],
        [CONSTRAINTS, USAGE, unknown(False)],
    ],
)
def test_an_authority_that_can_be_used_really_can(desk: Desk, extensions: list[Extension]) -> None:
    desk.pki.renewed(extensions).write(desk.folder)
    assert desk.trust.alarms(desk.now) == []
    assert desk.show(desk.pki.issue())


def test_a_folder_with_a_files_name_is_told_of(desk: Desk) -> None:
    (desk.folder / "ca" / "folder.pem").mkdir()
    assert desk.trust.alarms(desk.now) == ["文件 ca/folder.pem 没有采用：无法读取。"]


# Alarms in time


def test_an_authority_is_told_of_a_month_before_it_expires_and_after(desk: Desk) -> None:
    until = desk.pki.issuing.x509.not_valid_after_utc
    desk.put(desk.pki.crl(until_at=until + 100 * DAY))
    assert desk.trust.alarms(until - 31 * DAY) == []
    [soon] = desk.trust.alarms(until - 30 * DAY)
    assert soon.startswith("发卡机构“测试电子口岸发卡机构”的证书将于2035年2月28日到期")
    assert "将于" in desk.trust.alarms(until)[0] and desk.trust.is_open(until)
    [gone] = desk.trust.alarms(until + DAY)
    assert "已于2035年2月28日到期" in gone and not desk.trust.is_open(until + DAY)
    begins = desk.pki.issuing.x509.not_valid_before_utc
    desk.put(desk.pki.crl(from_at=begins))
    assert desk.trust.is_open(begins)
    assert "证书尚未生效" in desk.trust.alarms(begins - HOUR)[0]
    assert desk.trust.alarms(begins) == []


def test_a_list_is_told_of_a_day_before_it_is_due_and_after(desk: Desk) -> None:
    due = desk.now + 7 * DAY
    assert desk.trust.alarms(due - 25 * HOUR) == []
    [soon] = desk.trust.alarms(due - 24 * HOUR)
    assert "吊销名单 issuing.crl 将于2026年3月9日 09:00过期" in soon
    [gone] = desk.trust.alarms(due)
    assert "已于2026年3月9日 09:00过期" in gone and not desk.trust.is_open(due)


def test_a_list_that_is_renewed_every_day_is_told_of_when_a_renewal_is_late(desk: Desk) -> None:
    desk.put(desk.pki.crl(from_at=desk.now, until_at=desk.now + DAY))
    assert desk.trust.alarms(desk.now + 17 * HOUR) == []
    assert len(desk.trust.alarms(desk.now + 19 * HOUR)) == 1


def test_a_list_of_the_future_is_not_relied_on(desk: Desk) -> None:
    desk.put(desk.pki.crl(from_at=desk.now + timedelta(minutes=5)))
    assert desk.trust.is_open(desk.now)  # clocks differ a little
    desk.put(desk.pki.crl(from_at=desk.now + timedelta(minutes=6)))
    assert not desk.trust.is_open(desk.now)
    assert "尚未生效，请核对本机时间" in desk.trust.alarms(desk.now)[0]


def test_an_authority_without_a_list_is_told_of(desk: Desk) -> None:
    (desk.folder / "crl" / "issuing.crl").unlink()
    [alarm] = desk.trust.alarms(desk.now)
    assert "没有可用的吊销名单" in alarm
    closes = desk.trust.closes_at()
    assert closes is not None and closes < desk.now


# Reading again


def test_the_store_reads_again_when_a_file_changes(desk: Desk) -> None:
    store, card = TrustStore(desk.folder), desk.pki.issue()
    first = store.current(desk.now)
    assert store.current(desk.now) is first
    desk.put(desk.pki.crl([card]))
    second = store.current(desk.now)
    assert second is not first
    [authority] = second.authorities
    assert card.x509.serial_number in authority.lists[0].serials
    (desk.folder / "ca" / "issuing.crt").unlink()
    assert store.current(desk.now).authorities == ()


def test_a_file_of_the_same_size_and_time_put_in_its_place_is_seen(desk: Desk, now: datetime) -> None:
    store, path = TrustStore(desk.folder), desk.folder / "crl" / "issuing.crl"
    store.current(now)
    seen = path.stat()
    fresh = path.with_name("new")
    fresh.write_bytes(bytes(path.stat().st_size))
    os.utime(fresh, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    fresh.rename(path)
    assert not store.current(now).is_open(now)


def test_alarms_are_logged_when_the_files_are_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    # A logger that another test has used is deaf to `capture_logs`.
    monkeypatch.setattr("cardauth.trust.log", structlog.get_logger())
    store = TrustStore(desk.folder)
    desk.put(b"broken")
    with capture_logs() as logs:
        store.current(desk.now)
        store.current(desk.now)
    assert [entry["event"] for entry in logs] == ["card.trust_read", "card.trust_alarm", "card.trust_alarm"]
