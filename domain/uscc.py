"""统一社会信用代码 and 海关注册编码: how they are written, and the check digit apart from the pattern (GB 32100-2015).

Some real codes fail the check digit: a code of the right pattern is therefore taken, and an officer answers for it.
"""

import re

from stdnum.cn import uscc

from cleaning import clean_code

USCC = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}")
CUSTOMS_CODE = re.compile(r"\d{4}[0-9A-Z]{6}")


def is_uscc(code: str) -> bool:
    """Whether this has the pattern of a uscc, whatever its check digit."""
    return USCC.fullmatch(clean_code(code)) is not None


def is_customs_code(code: str) -> bool:
    """Whether this has the pattern of a 海关注册编码."""
    return CUSTOMS_CODE.fullmatch(clean_code(code)) is not None


def check_digit_fails(code: str) -> bool:
    """Whether this has the pattern of a uscc but not the check digit that belongs to it."""
    normal = clean_code(code)
    return USCC.fullmatch(normal) is not None and uscc.calc_check_digit(normal[:17]) != normal[17]
