"""Values as people read them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from api.pages import wording
from api.pages.compare import mark_changes
from api.pages.due import tell_due
from api.pages.sign_in import safe_address
from domain.working_days import WorkingCalendar

FRIDAY_NOON = datetime(2026, 3, 6, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("due_in", "words", "level"),
    [
        (timedelta(days=-1, hours=-2), "已逾期 1 个工作日", "late"),
        (timedelta(days=-7), "已逾期 6 个工作日", "late"),  # Saturday was a make-up day, Sunday was not
        (timedelta(hours=-3), "已逾期不到 1 个工作日", "late"),
        (timedelta(hours=2), "今天到期", "soon"),
        (timedelta(days=1), "3月7日到期", "soon"),  # a Saturday: no working day is left
        (timedelta(days=3), "剩 1 个工作日", "soon"),
        (timedelta(days=10), "剩 6 个工作日", "ok"),
    ],
)
def test_deadlines_are_told_in_working_days(due_in: timedelta, words: str, level: str) -> None:
    due = tell_due(FRIDAY_NOON + due_in, FRIDAY_NOON, WorkingCalendar())
    assert due is not None
    assert (due.words, due.level) == (words, level)


def test_a_deadline_that_stands_still_says_so() -> None:
    due = tell_due(FRIDAY_NOON - timedelta(days=2), FRIDAY_NOON, WorkingCalendar(), paused=True)
    assert due is not None
    assert (due.words, due.level) == ("等待补充，暂停计时", "ok")


def test_a_day_that_customs_made_a_holiday_is_not_counted() -> None:
    calendar = WorkingCalendar({date(2026, 3, 9): False})
    due = tell_due(FRIDAY_NOON + timedelta(days=4), FRIDAY_NOON, calendar)
    assert due is not None
    assert due.words == "剩 1 个工作日"


def test_a_deadline_that_passed_on_friday_is_no_working_day_late_on_sunday() -> None:
    due = tell_due(FRIDAY_NOON, FRIDAY_NOON + timedelta(days=2), WorkingCalendar())
    assert due is not None
    assert due.words == "已逾期不到 1 个工作日"


def test_the_last_day_is_told_without_its_hour_and_the_moment_to_who_points_at_it() -> None:
    due_at = datetime(2026, 11, 30, 9, 30, tzinfo=UTC)
    assert wording.due_day(due_at, FRIDAY_NOON) == "11月30日"
    assert wording.due_day(due_at, FRIDAY_NOON - timedelta(days=90)) == "2026年11月30日"
    assert wording.due_by(due_at, FRIDAY_NOON) == (
        '<time datetime="2026-11-30T17:30:00+08:00" title="2026年11月30日 17:30">11月30日前</time>'
    )


def test_a_sentence_that_names_the_last_day_shows_the_moment_to_who_points_at_it() -> None:
    due_at = datetime(2026, 11, 30, 9, 30, tzinfo=UTC)
    pointed = wording.point_at_due("<甲>海关的期限是 11月30日。", due_at, FRIDAY_NOON)
    assert pointed == (
        '&lt;甲&gt;海关的期限是 <time datetime="2026-11-30T17:30:00+08:00" title="2026年11月30日 17:30">11月30日</time>。'
    )
    for words in ("已于 2026年11月30日 10:00 清零。", "没有期限。", "111月30日"):
        assert wording.point_at_due(words, due_at, FRIDAY_NOON) == words


def test_times_are_beijings() -> None:
    assert wording.moment(datetime(2026, 12, 31, 16, 5, tzinfo=UTC)) == "2027年1月1日 00:05"
    assert wording.short_moment(FRIDAY_NOON - timedelta(hours=1), FRIDAY_NOON) == "今天 11:00"
    assert wording.short_moment(FRIDAY_NOON - timedelta(days=1), FRIDAY_NOON) == "3月5日 12:00"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (5, "不到 1 分钟"),
        (120, "2 分钟"),
        (5400, "1 小时 30 分钟"),
        (90000, "1 天 1 小时"),
        (2_000_000, "23 天"),
    ],
)
def test_durations_are_told_as_coarsely_as_they_matter(seconds: float, words: str) -> None:
    assert wording.duration(seconds) == words


def test_what_was_changed_is_marked_and_everything_is_escaped() -> None:
    before, after = mark_changes("单耗<怎么>改", "单耗<怎样>更改")
    assert before == "单耗&lt;怎<del>么</del>&gt;改"
    assert after == "单耗&lt;怎<ins>样</ins>&gt;<ins>更</ins>改"


def test_long_texts_are_compared_by_sentences() -> None:
    text = "这是一句完全相同的话。" * 200
    before, after = mark_changes(text + "旧的结尾。", text + "新的结尾。")
    assert before.endswith("<del>旧的结尾。</del>")
    assert after.endswith("<ins>新的结尾。</ins>")


@pytest.mark.parametrize(
    "address", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "/sign-out"]
)
def test_signing_in_leads_to_no_other_site(address: str) -> None:
    assert safe_address(address) == "/"


def test_signing_in_leads_to_the_page_that_was_wanted() -> None:
    assert safe_address("/issues?q=归类") == "/issues?q=归类"
