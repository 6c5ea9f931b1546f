"""Codes of enterprises: the pattern, and the check digit apart from it."""

import pytest
from stdnum.cn.uscc import calc_check_digit

from cleaning import clean_code
from domain.uscc import check_digit_fails, is_customs_code, is_uscc


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        (" 91110000 600037341l ", "91110000600037341L"),
        ("９１１１００００６０００３７３４１Ｌ", "91110000600037341L"),
        ("91110000-600037341-L", "91110000600037341L"),
    ],
)
def test_a_code_is_kept_in_one_way_however_it_is_typed(raw: str, kept: str) -> None:
    assert clean_code(raw) == kept
    assert is_uscc(raw) and not check_digit_fails(raw)


@pytest.mark.parametrize(
    "code", ["", "9111000060003734L", "91110000600037341I", "91110000O00037341L", "9111000060003734100L"]
)
def test_what_has_not_the_pattern_has_no_check_digit_to_fail(code: str) -> None:
    assert not is_uscc(code) and not check_digit_fails(code)


def test_of_all_last_characters_one_is_right() -> None:
    body = "52320583MJ0Y12345"
    right = [last for last in "0123456789ABCDEFGHJKLMNPQRTUWXY" if not check_digit_fails(body + last)]
    assert right == [calc_check_digit(body)]


def test_codes_whose_beginning_has_letters_are_checked_too() -> None:
    body = "A1110000600037341"
    assert not check_digit_fails(body + calc_check_digit(body))
    assert check_digit_fails("A1110000600037341" + ("0" if calc_check_digit(body) != "0" else "1"))


@pytest.mark.parametrize(
    ("code", "right"), [("3201960Q88", True), ("320196000", False), ("32019600é8", False)]
)
def test_customs_codes_have_ten_characters(code: str, right: bool) -> None:
    assert is_customs_code(code) is right
