"""Which route is next, and when: pure rules."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from messages.models import ANSWERS, OUTCOMES
from messages.routes import RouteKey
from messages.routing import (
    BACK_OFF_S,
    BLOCKED_S,
    MOST_TRIES,
    PATIENCE,
    Choice,
    Try,
    choose_route,
    find_question,
    is_uncertain,
    next_question_at,
)

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
WECHAT: RouteKey = ("wechat", "account")
ONE: RouteKey = ("sms", "one")
TWO: RouteKey = ("sms", "two")
MAIL: RouteKey = ("mail", "smtp")
ALL = [WECHAT, ONE, TWO, MAIL]


def tried(*ended: tuple[RouteKey, str], answer: str | None = None) -> list[Try]:
    return [Try(route, NOW, outcome, answer) for route, outcome in ended]


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_the_first_route_is_the_first_one_at_once() -> None:
    assert choose_route(ALL, [], NOW) == Choice(WECHAT, NOW)
    assert choose_route([], [], NOW) is None


def test_a_notice_stays_with_its_route_for_a_while_and_then_takes_the_next() -> None:
    tries: list[Try] = []
    for wait in BACK_OFF_S[: PATIENCE - 1]:
        tries += tried((WECHAT, "later"))
        assert choose_route(ALL, tries, NOW) == Choice(WECHAT, after(wait))
    tries += tried((WECHAT, "later"))
    assert choose_route(ALL, tries, NOW) == Choice(ONE, NOW)


def test_when_every_route_was_tried_enough_each_is_tried_on_and_in_the_end_none() -> None:
    routes = [ONE, MAIL]
    tries: list[Try] = []
    order: list[RouteKey] = []
    while choice := choose_route(routes, tries, NOW):
        order.append(choice.route)
        tries += tried((choice.route, "later"))
    assert order == [ONE] * 3 + [MAIL] * 3 + [ONE, MAIL] * 3
    assert len(order) == 2 * MOST_TRIES


def test_a_code_goes_to_the_next_provider_at_once_and_then_around() -> None:
    routes = [ONE, TWO]
    tries = tried((ONE, "later"))
    assert choose_route(routes, tries, NOW, is_code=True) == Choice(TWO, NOW)
    tries += tried((TWO, "later"))
    assert choose_route(routes, tries, NOW, is_code=True) == Choice(ONE, after(BACK_OFF_S[0]))


def test_a_code_shuns_a_provider_in_trouble_but_not_when_it_is_the_only_one() -> None:
    assert choose_route([ONE, TWO], [], NOW, is_code=True, troubled={ONE}) == Choice(TWO, NOW)
    assert choose_route([ONE], [], NOW, is_code=True, troubled={ONE}) == Choice(ONE, NOW)
    assert choose_route([ONE, TWO], [], NOW, troubled={ONE}) == Choice(ONE, NOW), "a notice can wait"


def test_refused_and_not_arrived_end_a_route_for_this_message() -> None:
    assert choose_route([ONE, MAIL], tried((ONE, "refused")), NOW) == Choice(MAIL, NOW)
    lost = [Try(ONE, NOW, "accepted", arrived=False)]
    assert choose_route([ONE, MAIL], lost, NOW) == Choice(MAIL, NOW)
    assert choose_route([ONE], lost, NOW) is None


def test_what_needs_an_operator_goes_on_at_once_and_comes_back_when_nothing_else_is_left() -> None:
    assert choose_route([ONE, MAIL], tried((ONE, "operator")), NOW) == Choice(MAIL, NOW)
    tries = tried((ONE, "operator"), (MAIL, "refused"))
    assert choose_route([ONE, MAIL], tries, NOW) == Choice(ONE, after(BLOCKED_S[0]))


def test_a_budget_that_is_used_up_is_waited_for_longer_than_a_day() -> None:
    assert sum(BLOCKED_S) > 24 * 3600
    assert choose_route([ONE], tried((ONE, "skipped")), NOW) == Choice(ONE, after(BLOCKED_S[0]))


def test_what_may_have_been_sent_is_a_question_until_it_is_answered() -> None:
    for outcome in (None, "uncertain"):
        one = Try(ONE, NOW, outcome)
        assert find_question([*tried((WECHAT, "refused")), one]) == one
    for answer in ANSWERS:
        assert find_question([Try(ONE, NOW, "uncertain", answer)]) is None
    assert find_question(tried((ONE, "accepted"), (ONE, "later"))) is None


def test_what_the_provider_does_not_know_is_sent_again_at_once() -> None:
    assert choose_route([ONE, MAIL], tried((ONE, "uncertain"), answer="not_known"), NOW) == Choice(ONE, NOW)


def test_what_nobody_can_tell_is_the_end() -> None:
    tries = tried((ONE, "uncertain"), answer="cannot_tell")
    assert choose_route([ONE, MAIL], tries, NOW) is None
    assert is_uncertain(tries)


def test_a_repeated_try_keeps_to_its_route_until_that_one_has_said_no() -> None:
    tries = tried((WECHAT, "uncertain"), answer="repeated")
    while choice := choose_route(ALL, tries, NOW):
        assert choice.route == WECHAT
        tries += tried((WECHAT, "later"))
    assert len(tries) == MOST_TRIES
    assert is_uncertain(tries)
    refused = [*tried((WECHAT, "uncertain"), answer="repeated"), *tried((WECHAT, "refused"))]
    assert choose_route(ALL, refused, NOW) == Choice(ONE, NOW)
    assert not is_uncertain(refused)


def test_a_route_repeats_safely_only_for_so_long() -> None:
    tries = tried((WECHAT, "uncertain"), answer="repeated")
    windows = {WECHAT: 540.0}
    assert choose_route(ALL, tries, NOW, windows=windows) == Choice(WECHAT, after(10))
    assert choose_route(ALL, tries, after(540), windows=windows) == Choice(WECHAT, after(10))
    assert choose_route(ALL, tries, after(541), windows=windows) is None
    assert choose_route(ALL, tries, NOW, windows={}) is None, "the route is set up no more"
    four = tries + tried((WECHAT, "later"), (WECHAT, "later"), (WECHAT, "later"))
    assert choose_route(ALL, four, NOW, windows=windows) is None, "the next time would be too late"


def test_questions_end() -> None:
    asks, waits = 1, []
    while due := next_question_at(asks, NOW):
        waits.append(due)
        asks += 1
    assert waits == sorted(waits)
    assert len(waits) == 5


TRIES = st.builds(
    Try,
    st.sampled_from(ALL),
    st.just(NOW),
    st.sampled_from(OUTCOMES),
    st.sampled_from([None, *ANSWERS]),
    st.sampled_from([None, True, False]),
)


@given(st.lists(TRIES, max_size=30), st.booleans())
def test_whatever_happened_a_route_is_open_due_and_not_a_second_delivery(
    tries: list[Try], is_code: bool
) -> None:
    choice = choose_route(ALL, tries, NOW, is_code=is_code)
    if choice is None:
        return
    mine = [one for one in tries if one.route == choice.route]
    assert len(mine) < MOST_TRIES
    assert choice.due_at >= NOW
    assert not any(one.outcome == "refused" or one.arrived is False for one in mine)
    assert not any(one.answer == "cannot_tell" and one.arrived is not False for one in tries)
