"""TC3-HMAC-SHA256 after the vendor's page (cloud.tencent.com/document/api/362/4208, 25 December 2024), without the SDK."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime

AUTHORIZATION = re.compile(
    r"TC3-HMAC-SHA256 Credential=(?P<id>[^/, ]+)/(?P<date>\d{4}-\d\d-\d\d)/(?P<service>[a-z]+)/tc3_request, ?"
    r"SignedHeaders=(?P<headers>[a-z0-9;-]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)
APART_S = 300


def find_fault(
    headers: Mapping[str, str], body: bytes, secrets: Mapping[str, str], now: datetime
) -> str | None:
    """The vendor's code for what is wrong with a POST to `/`; None when it is signed rightly. `headers` have lower-case names."""
    given = AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if given is None or given["service"] != "sms":
        return "AuthFailure.InvalidAuthorization"
    if given["id"] not in secrets:
        return "AuthFailure.SecretIdNotFound"
    stamp = headers.get("x-tc-timestamp", "")
    if not stamp.isdecimal() or abs(int(stamp) - now.timestamp()) > APART_S:
        return "AuthFailure.SignatureExpire"
    if datetime.fromtimestamp(int(stamp), UTC).strftime("%Y-%m-%d") != given["date"]:
        return "AuthFailure.SignatureFailure"
    names = given["headers"].split(";")
    if not {"content-type", "host"} <= set(names) or not all(name in headers for name in names):
        return "AuthFailure.InvalidAuthorization"
    expected = sign(headers, names, body, secrets[given["id"]], stamp, (given["date"], "sms"))
    return None if hmac.compare_digest(expected, given["signature"]) else "AuthFailure.SignatureFailure"


def sign(
    headers: Mapping[str, str], names: list[str], body: bytes, key: str, stamp: str, scope: tuple[str, str]
) -> str:
    """The signature of a POST to `/` without a query, for a date and a service."""
    canonical_headers = "".join(f"{name}:{headers[name].strip().lower()}\n" for name in names)
    canonical = "\n".join(
        ("POST", "/", "", canonical_headers, ";".join(names), hashlib.sha256(body).hexdigest())
    )
    parts = (*scope, "tc3_request")
    text = "\n".join(
        ("TC3-HMAC-SHA256", stamp, "/".join(parts), hashlib.sha256(canonical.encode()).hexdigest())
    )
    step = f"TC3{key}".encode()
    for part in parts:
        step = hmac.digest(step, part.encode(), "sha256")
    return hmac.new(step, text.encode(), hashlib.sha256).hexdigest()
