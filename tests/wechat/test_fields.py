"""Fields: whatever we give, WeChat's own rules (as the fake knows them) take it, or it is not given."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wechat.fake_wechat import LIMITS
from wechat.fields import PATTERNS, field_type, fit

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("thing", "出口退税", "出口退税"),
        ("thing", "二" * 20, "二" * 20),
        ("thing", "二" * 21, "二" * 19 + "…"),
        ("thing", "一行\r\n二行\t三", "一行 二行 三"),
        ("thing", "", None),
        ("thing", None, None),
        ("thing", " \n ", None),
        ("thing", 7, "7"),
        ("keyword", "二" * 30, "二" * 19 + "…"),
        ("character_string", "2026-0007", "2026-0007"),
        ("character_string", "编号7", None),
        ("character_string", "x" * 33, None),
        ("phrase", "已答复", "已答复"),
        ("phrase", "等待企业补充材料", None),
        ("phrase", "OK", None),
        ("name", "欧阳·娜娜", "欧阳·娜娜"),
        ("name", "江苏省连云港市测试贸易公司", "江苏省连云港市测试贸"),
        ("name", "张三 Zhang", "张三"),
        ("name", "Zhang San", "Zhang San"),
        ("number", "12.5", "12.5"),
        ("number", "1" * 33, None),
        ("number", "十二", None),
        ("number", "１２", None),
        ("letter", "ABC", "ABC"),
        ("symbol", "!!", "!!"),
        ("symbol", "海关", None),
        ("time", AT, "2026年3月2日 09:00"),
        ("time", AT.isoformat(), "2026年3月2日 09:00"),
        ("time", "15:01", "15:01"),
        ("time", "2019年10月1日 15:01", "2019年10月1日 15:01"),
        ("time", "明天", None),
        ("time", "2026-03-02T09:00:00", None),
        ("date", date(2026, 3, 2), "2026年3月2日"),
        ("date", "2026-03-02", "2026年3月2日"),
        ("date", "2026年3月2日", "2026年3月2日"),
        ("date", AT.isoformat(), "2026年3月2日 09:00"),
        ("amount", "¥100.50", "¥100.50"),
        ("amount", "100.5元", "100.5元"),
        ("amount", "一百元", None),
        ("phone_number", "+86-0766-66888866", "+86-0766-66888866"),
        ("phone_number", "1" * 18, None),
        ("car_number", "粤A8Z888挂", "粤A8Z888挂"),
    ],
)
def test_values_as_they_are_written(kind: str, value: object, expected: str | None) -> None:
    assert fit(kind, value) == expected


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("thing4", "thing"),
        ("character_string12", "character_string"),
        ("time", "time"),
        ("keyword1", "keyword"),
        ("first", None),
        ("remark", None),
        ("thing4x", None),
        ("", None),
        ("Thing4", None),
        ("4", None),
    ],
)
def test_the_type_is_in_the_name(name: str, kind: str | None) -> None:
    assert field_type(name) == kind


VALUES = (
    st.text()
    | st.integers()
    | st.datetimes(timezones=st.just(UTC))
    | st.dates()
    | st.none()
    | st.text("0123456789年月日:-. 元¥aB海")
)


@settings(deadline=None)
@given(st.sampled_from(sorted(PATTERNS.keys() & (LIMITS.keys() - {"const"}))), VALUES)
def test_whatever_fits_is_taken_by_wechat(kind: str, value: object) -> None:
    text = fit(kind, value)
    assert text is None or (LIMITS[kind](text) and all(ord(char) >= 32 for char in text))
