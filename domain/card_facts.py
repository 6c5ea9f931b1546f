"""What a verified card says, in customs' own words. It comes from the certificate that the server has verified, never from a
page; whoever verifies (the edge) hands it in."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Self

from cleaning import clean_address, clean_code, clean_line, is_plain
from domain.exceptions import CardUnfit
from domain.people import normalise_phone
from domain.uscc import is_customs_code, is_uscc

LONGEST = 200


@dataclass(frozen=True)
class CardFacts:
    """A card is known by its issuer and number; `fingerprint` and `serial` are those of the certificate on it now."""

    issuer: str
    number: str
    kind: str
    holder: str
    fingerprint: str
    serial: str
    not_after: datetime
    enterprise: str
    uscc: str
    customs_code: str | None = None
    phone: str | None = None

    def as_json(self) -> dict[str, Any]:
        """For a row that waits."""
        return asdict(self) | {"not_after": self.not_after.isoformat()}

    @classmethod
    def of_json(cls, value: dict[str, Any]) -> Self:
        """What `as_json` wrote."""
        texts = {name: part for name, part in value.items() if name != "not_after"}
        return cls(**texts, not_after=datetime.fromisoformat(value["not_after"]))


def tidy_facts(facts: CardFacts) -> CardFacts:
    """As they are kept: codes in capitals, a phone as `+86…` or none. Raises CardUnfit for what no card of an enterprise says."""
    uscc, customs_code = clean_code(facts.uscc), clean_code(facts.customs_code or "")
    number, kind = clean_address(facts.number), clean_line(facts.kind)
    holder, enterprise = clean_line(facts.holder), clean_line(facts.enterprise)
    texts = (facts.issuer.strip(), number, kind, holder, enterprise)
    if not all(one and len(one) <= LONGEST and is_plain(one) for one in texts):
        raise CardUnfit("卡内的信息不完整，不能使用。请联系发卡单位。")
    if not is_uscc(uscc):
        raise CardUnfit("卡内没有正确的统一社会信用代码，不能使用。请联系发卡单位。")
    return replace(
        facts,
        uscc=uscc,
        customs_code=customs_code if is_customs_code(customs_code) else None,
        phone=normalise_phone(facts.phone or ""),
        number=number,
        kind=kind,
        holder=holder,
        enterprise=enterprise,
    )
