"""From a certificate to the enterprise: the default places, a file of one's own, codes as people write them, what is missing."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from cardauth.exceptions import SubjectIncomplete
from cardauth.mapping import DEFAULT, CardMapping, CardSubject, MappingWrong
from tests.cardauth import asn1
from tests.cardauth.pki import Holder, Pki

DOCS = Path(__file__).parents[2] / "docs" / "card-mapping.md"
ORGANISATION_CODE = "1.2.156.10260.4.1.4"


def read(
    now: datetime, mapping: CardMapping | None = None, /, extensions: Any = (), **holder: Any
) -> CardSubject:
    card = Pki.make(now).issue(Holder(**holder), extensions=extensions)
    return (mapping or CardMapping.default()).read(card.x509)


def private(value: bytes, oid: str = ORGANISATION_CODE) -> list[tuple[x509.ExtensionType, bool]]:
    return [(x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value), False)]


def test_a_test_card_says_everything(now: datetime) -> None:
    subject = read(now)
    assert (subject.enterprise_name, subject.uscc) == ("连云港测试贸易有限公司", "91320700MA1QL0002C")
    assert (subject.customs_code, subject.holder) == ("3207960001", "王小明")
    assert (subject.card_kind, subject.card_number) == ("法人卡", "2100040012345")
    assert subject.phone == "13900000001"


def test_what_a_card_may_leave_out_is_none(now: datetime) -> None:
    subject = read(now, customs_code=None, phone=None, card_kind="操作员卡")
    assert (subject.customs_code, subject.phone, subject.card_kind) == (None, None, "操作员卡")


@pytest.mark.parametrize("field", ["enterprise_name", "uscc", "holder", "card_number", "card_kind"])
def test_what_a_card_has_to_say_is_missed_by_name(now: datetime, field: str) -> None:
    with pytest.raises(SubjectIncomplete) as refused:
        read(now, **{field: None})
    assert refused.value.reason == field


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("uscc", "91320700MA1QL0002"),
        ("uscc", "91320700MA1QL0002CC"),
        ("uscc", "91320700MA1QI0002C"),
        ("uscc", "９１320700MA1QL٠002C"),
        ("enterprise_name", "某"),
        ("card_number", "21000/4"),
        ("card_kind", "门禁卡"),
        ("holder", "王\ue000小明"),
    ],
)
def test_what_is_not_written_as_it_should_be_counts_as_missing(now: datetime, field: str, wrong: str) -> None:
    with pytest.raises(SubjectIncomplete) as refused:
        read(now, **{field: wrong})
    assert refused.value.reason == field


def test_what_nobody_sees_on_a_card_is_not_read(now: datetime) -> None:
    subject = read(now, holder="王\u202e小\u200b明", uscc="\ufeff91320700MA1QL0002C\u202c")
    assert (subject.holder, subject.uscc) == ("王小明", "91320700MA1QL0002C")


def test_malformed_extras_are_left_out(now: datetime) -> None:
    subject = read(now, customs_code="报关部", phone="12345")
    assert (subject.customs_code, subject.phone) == (None, None)


def test_codes_are_read_as_people_write_them(now: datetime) -> None:
    subject = read(
        now, uscc=" 91320700ma1ql0002c ", customs_code="３２０７９６０００１", enterprise_name="  某　公司 "
    )
    assert (subject.uscc, subject.customs_code) == ("91320700MA1QL0002C", "3207960001")
    assert subject.enterprise_name == "某 公司"


@pytest.mark.parametrize(
    "value",
    [
        asn1.utf8("91320700MA1QL0002C"),
        asn1.element(0x13, b"91320700MA1QL0002C"),
        asn1.element(0x16, b"91320700MA1QL0002C"),
        asn1.element(0x1E, "91320700MA1QL0002C".encode("utf-16-be")),
        asn1.octets(asn1.utf8("91320700MA1QL0002C")),
        b"91320700MA1QL0002C",
        asn1.octets(b"91320700MA1QL0002C"),
    ],
)
def test_the_code_is_found_in_an_extension_however_it_is_written(now: datetime, value: bytes) -> None:
    assert read(now, extensions=private(value), uscc=None).uscc == "91320700MA1QL0002C"


@pytest.mark.parametrize("value", [b"", b"\xff\xfe", asn1.element(0x1E, b"abc"), asn1.octets(b"\xff" * 18)])
def test_an_extension_that_is_no_text_says_nothing(now: datetime, value: bytes) -> None:
    with pytest.raises(SubjectIncomplete):
        read(now, extensions=private(value), uscc=None)


def test_the_first_place_that_fits_counts(now: datetime) -> None:
    elsewhere = private(asn1.utf8("91320700MA1QL00019"))
    assert read(now, extensions=elsewhere).uscc == "91320700MA1QL0002C"
    assert read(now, extensions=elsewhere, uscc="没有").uscc == "91320700MA1QL00019"


def test_a_pattern_cuts_the_value_out(now: datetime) -> None:
    text = DEFAULT.replace('"subject 2.5.4.97"', '{ from = "subject 2.5.4.97", pattern = "NTRCN-(.+)" }')
    mapping = CardMapping.from_toml(text)
    assert read(now, mapping, uscc="NTRCN-91320700MA1QL0002C").uscc == "91320700MA1QL0002C"
    with pytest.raises(SubjectIncomplete):
        read(now, mapping)


def test_a_file_is_read(now: datetime, tmp_path: Path) -> None:
    path = tmp_path / "cards.toml"
    path.write_text(DEFAULT.replace('"法人卡" = "法人卡"', '"01" = "法人卡"'), encoding="utf-8")
    assert read(now, CardMapping.from_file(path), card_kind="01").card_kind == "法人卡"
    assert read(now, CardMapping.from_file(None)).card_kind == "法人卡"


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("[fields]", "[felder]", "unknown: felder"),
        ("[card_kinds]", "[fields.kinds]", "fields.kinds"),
        ('uscc = ["subject 2.5.4.97", "extension 1.2.156.10260.4.1.4"]', "", "missing: uscc"),
        ('["subject 2.5.4.10"]', '["issuer 2.5.4.10"]', "enterprise_name"),
        ('["subject 2.5.4.10"]', '["subject organisation"]', "enterprise_name"),
        ('["subject 2.5.4.10"]', '"subject 2.5.4.10"', "not a list"),
        ('["subject 2.5.4.10"]', "[]", "not a list"),
        ('["subject 2.5.4.10"]', "[1]", "not a place"),
        ('["subject 2.5.4.10"]', '[{ from = "subject 2.5.4.10", pattern = "(" }]', "enterprise_name"),
        ('["subject 2.5.4.10"]', '[{ from = "subject 2.5.4.10", pattern = ".*" }]', "one group"),
        ('["subject 2.5.4.10"]', '[{ from = "subject 2.5.4.10", form = "x" }]', "not a place"),
        ('phone = ["', 'telephone = ["', "unknown: telephone"),
        ('"操作员卡" = "操作员卡"', '"操作员卡" = "员工卡"', "员工卡"),
        ("[fields]", "fields = ", "not TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(before: str, after: str, says: str) -> None:
    assert before in DEFAULT
    with pytest.raises(MappingWrong, match=re.escape(says)):
        CardMapping.from_toml(DEFAULT.replace(before, after, 1))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MappingWrong, match="cannot be read"):
        CardMapping.from_file(tmp_path / "none.toml")


def test_a_subject_shows_nothing_of_itself(now: datetime) -> None:
    assert "王" not in repr(read(now))


def test_the_page_quotes_the_default_and_its_example_works(now: datetime) -> None:
    default, example = re.findall(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert default.strip() == DEFAULT.strip()
    codes = private(asn1.element(0x13, b"91320700MA1QL0002C")) + private(
        asn1.element(0x13, b"02"), "1.3.6.1.4.1.32473.7"
    )
    given = {
        "uscc": None,
        "card_kind": None,
        "phone": None,
        "customs_code": "报关部",
        "holder": "王小明@3207960001",
    }
    subject = read(now, CardMapping.from_toml(example), extensions=codes, **given)
    assert (subject.uscc, subject.card_kind) == ("91320700MA1QL0002C", "操作员卡")
    assert (subject.customs_code, subject.holder) == ("3207960001", "王小明")
