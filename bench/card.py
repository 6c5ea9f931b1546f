"""(5) A card's token: CPU of everything the server does for one, beside the bare signature checks by the libraries that it
cannot do without (the certificate's by the authority's key, the challenge's by the card's). No database, no server."""

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from cardauth import sm2
from cardauth.certificates import read_certificate
from cardauth.challenge import new_nonce, signed_message
from cardauth.mapping import CardMapping
from cardauth.signatures import is_signature, read_key
from cardauth.token import CardToken, parse_token
from cardauth.trust import TrustList, load_trust
from cardauth.verify import verify_token
from tests.cardauth.pki import Pki, SoftCard

ORIGIN = "https://qingling.example.cn"
LIMITS_MS = {"RS256": 2.0, "PS256": 2.0, "ES256": 2.0, "SM2SM3": 5.0}
KINDS = {"rsa": ("RS256", "PS256"), "p256": ("ES256",), "sm2": ("SM2SM3",)}
ROUNDS = 25
REVOKED = 20_000  # a list as large issuers have them


def measure(samples: int = 40) -> dict[str, dict[str, Any]]:
    """For each algorithm: milliseconds of CPU from JSON to enterprise data, the floor's, and their ratio."""
    now, figures = datetime.now(UTC), dict[str, dict[str, Any]]()
    for kind, algorithms in KINDS.items():
        pki = Pki.make(now, kind)
        card = pki.issue()
        with tempfile.TemporaryDirectory() as folder:
            trust = load_trust(_write(pki, Path(folder)))
        for algorithm in algorithms:
            nonce = new_nonce()
            data = card.token(ORIGIN, nonce, algorithm)
            ours = partial(_verify, data, nonce, trust, now, CardMapping.default())
            bare = _bare(parse_token(data), pki.issuing, signed_message(ORIGIN, nonce))
            figures[algorithm] = _compare(ours, bare, samples, LIMITS_MS[algorithm])
    return figures


def _verify(
    data: dict[str, Any], nonce: bytes, trust: TrustList, now: datetime, mapping: CardMapping
) -> None:
    shown = verify_token(parse_token(data), nonce=nonce, origin=ORIGIN, trust=trust, now=now)
    mapping.read(shown.certificate)


def _write(pki: Pki, folder: Path) -> Path:
    pki.write(folder)
    (folder / "crl" / "issuing.crl").write_bytes(pki.crl(serials=range(1, REVOKED + 1)))
    return folder


def _bare(token: CardToken, authority: SoftCard, message: bytes) -> Callable[[], None]:
    """The two signature checks alone; keys and certificates are ready."""
    certificate, issuer = read_certificate(token.certificate), authority.x509
    key = read_key(certificate, token.algorithm)
    issuer_key = sm2.read_key(issuer)

    def check() -> None:
        if issuer_key is None:
            certificate.verify_directly_issued_by(issuer)
        else:
            assert sm2.is_signature(issuer_key, certificate.tbs_certificate_bytes, certificate.signature)
        assert is_signature(key, token.algorithm, message, token.signature)

    return check


def _compare(
    ours: Callable[[], None], bare: Callable[[], None], samples: int, limit_ms: float
) -> dict[str, Any]:
    """Both in turn, so that what else the machine does meets both; medians."""
    times: dict[str, list[float]] = {"ours": [], "bare": []}
    for _ in range(samples):
        times["ours"].append(_time(ours))
        times["bare"].append(_time(bare))
    mine, floor = median(times["ours"]), median(times["bare"])
    return {
        "CPU ms": round(mine, 3),
        "bare signatures ms": round(floor, 3),
        "ratio": round(mine / floor, 2),
        "limit ms": limit_ms,
        "within": mine <= limit_ms,
    }


def _time(call: Callable[[], None]) -> float:
    started = time.process_time()
    for _ in range(ROUNDS):
        call()
    return (time.process_time() - started) * 1000 / ROUNDS
