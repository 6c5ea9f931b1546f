"""From a certificate to the enterprise and the person it names. Where each thing stands differs between issuers, so it is
configuration, a TOML file (docs/card-mapping.md); without one, the places that our own test cards use.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from cryptography import x509

from cardauth.der import read_text
from cardauth.exceptions import SubjectIncomplete
from cleaning import clean_address, clean_code, clean_name, is_plain

CARD_KINDS = ("法人卡", "操作员卡")
DEFAULT = """
[fields]
enterprise_name = ["subject 2.5.4.10"]
uscc = ["subject 2.5.4.97", "extension 1.2.156.10260.4.1.4"]
customs_code = ["subject 2.5.4.11"]
holder = ["subject 2.5.4.3"]
card_number = ["subject 2.5.4.5"]
card_kind = ["subject 2.5.4.12"]
phone = ["extension 1.3.6.1.4.1.32473.1.1"]

[card_kinds]
"法人卡" = "法人卡"
"操作员卡" = "操作员卡"
"""

PATTERNS = {
    "enterprise_name": re.compile(r".{2,100}"),
    "uscc": re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}", re.ASCII),
    "customs_code": re.compile(r"\d{4}[0-9A-Z]{6}", re.ASCII),
    "holder": re.compile(r".{1,50}"),
    "card_number": re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII),
    "card_kind": re.compile(r".{1,50}"),
    "phone": re.compile(r"1[3-9]\d{9}", re.ASCII),
}
REQUIRED = ("enterprise_name", "uscc", "holder", "card_number", "card_kind")
CODES = ("uscc", "customs_code", "phone", "card_number")
"""Cleaned as codes; a card's number keeps its dashes and small letters."""


class MappingWrong(ValueError):
    """The mapping file cannot be used; the text says where."""


@dataclass(frozen=True, slots=True, repr=False)
class CardSubject:
    """What the card says. It has no repr: it is about a person."""

    enterprise_name: str
    uscc: str
    customs_code: str | None
    holder: str
    card_number: str
    card_kind: str
    phone: str | None


@dataclass(frozen=True, slots=True)
class Source:
    """A place in a certificate: an attribute of its subject or an extension, by OID; `pattern` cuts the value out of it."""

    place: str
    oid: x509.ObjectIdentifier
    pattern: re.Pattern[str] | None = None

    def read(self, certificate: x509.Certificate) -> Iterator[str]:
        """Every text that stands there."""
        for text in self._texts(certificate):
            if self.pattern is None:
                yield text
            elif found := self.pattern.fullmatch(text):
                yield found[1]

    def _texts(self, certificate: x509.Certificate) -> Iterator[str]:
        if self.place == "subject":
            for attribute in certificate.subject.get_attributes_for_oid(self.oid):
                if isinstance(attribute.value, str):
                    yield attribute.value
            return
        for extension in certificate.extensions:
            if extension.oid == self.oid and isinstance(extension.value, x509.UnrecognizedExtension):
                try:
                    yield read_text(extension.value.value)
                except ValueError:  # not a text: nothing for us
                    return


class CardMapping:
    """Where each field stands, and what the issuer calls the two kinds of cards."""

    def __init__(self, fields: Mapping[str, list[Source]], card_kinds: Mapping[str, str]) -> None:
        self._fields, self._card_kinds = dict(fields), dict(card_kinds)

    @classmethod
    def default(cls) -> Self:
        """For our own test cards."""
        return cls.from_toml(DEFAULT)

    @classmethod
    def from_file(cls, path: Path | None) -> Self:
        """As the file says, or the default. Raises MappingWrong."""
        if path is None:
            return cls.default()
        try:
            return cls.from_toml(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise MappingWrong(f"{path}: cannot be read") from error

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """As this text says. Raises MappingWrong."""
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise MappingWrong(f"not TOML: {error}") from error
        return cls(*_read_mapping(data))

    def read(self, certificate: x509.Certificate) -> CardSubject:
        """What the certificate says. Raises SubjectIncomplete, whose reason is the field that is missing or malformed."""
        found = {field: self._read_field(field, certificate) for field in PATTERNS}
        for field in REQUIRED:
            if found[field] is None:
                raise SubjectIncomplete(field)
        return CardSubject(**found)  # pyright: ignore[reportArgumentType]

    def _read_field(self, field: str, certificate: x509.Certificate) -> str | None:
        """The first text in the field's places that is written as the field is."""
        for source in self._fields.get(field, ()):
            for text in source.read(certificate):
                value = _normalise(field, text)
                if field == "card_kind":
                    value = self._card_kinds.get(value, "")
                if PATTERNS[field].fullmatch(value) and is_plain(value):
                    return value
        return None


def _normalise(field: str, text: str) -> str:
    """As it is kept."""
    if field not in CODES:
        return clean_name(unicodedata.normalize("NFC", text))
    return clean_address(text).replace(" ", "") if field == "card_number" else clean_code(text)


def _read_mapping(data: Mapping[str, Any]) -> tuple[dict[str, list[Source]], dict[str, str]]:
    if unknown := data.keys() - {"fields", "card_kinds"}:
        raise MappingWrong(f"unknown: {', '.join(sorted(unknown))}")
    fields = {name: _read_sources(name, places) for name, places in _table(data, "fields").items()}
    if unknown := fields.keys() - PATTERNS.keys():
        raise MappingWrong(f"fields: unknown: {', '.join(sorted(unknown))}")
    if missing := set(REQUIRED) - fields.keys():
        raise MappingWrong(f"fields: missing: {', '.join(sorted(missing))}")
    kinds = {_normalise("card_kind", name): kind for name, kind in _table(data, "card_kinds").items()}
    if wrong := set(map(str, kinds.values())) - set(CARD_KINDS):
        raise MappingWrong(f"card_kinds: {', '.join(sorted(wrong))} is neither of {', '.join(CARD_KINDS)}")
    return fields, kinds


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = data.get(name)
    if not isinstance(table, dict):
        raise MappingWrong(f"[{name}] is missing")
    return table


def _read_sources(field: str, places: Any) -> list[Source]:
    if not isinstance(places, list) or not places:
        raise MappingWrong(f"fields.{field}: not a list of places")
    return [_read_source(field, place) for place in places]


def _read_source(field: str, given: Any) -> Source:
    """`"subject 2.5.4.10"`, or `{ from = "subject 2.5.4.97", pattern = "NTRCN-(.+)" }`."""
    spec = {"from": given} if isinstance(given, str) else given
    if not isinstance(spec, dict) or not spec.keys() <= {"from", "pattern"}:
        raise MappingWrong(f"fields.{field}: not a place: {given}")
    place, _, oid = str(spec.get("from", "")).partition(" ")
    if place not in ("subject", "extension"):
        raise MappingWrong(f"fields.{field}: neither `subject OID` nor `extension OID`: {given}")
    try:
        pattern = re.compile(spec["pattern"]) if "pattern" in spec else None
        source = Source(place, x509.ObjectIdentifier(oid.strip()), pattern)
    except (ValueError, TypeError, re.error) as error:
        raise MappingWrong(f"fields.{field}: {error}") from error
    if source.pattern is not None and source.pattern.groups != 1:
        raise MappingWrong(f"fields.{field}: the pattern needs exactly one group in brackets")
    return source
