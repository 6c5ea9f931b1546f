"""A challenge is good once, for five minutes, for one browser session and one purpose."""

from datetime import datetime, timedelta
from hashlib import sha256

import pytest

from cardauth.challenge import LIFETIME, ChallengeBook, encode_nonce, new_nonce, signed_message
from cardauth.exceptions import ChallengeGone, SignatureWrong
from cardauth.token import parse_token
from cardauth.verify import verify_token
from tests.cardauth.conftest import ORIGIN, Desk


def test_nonces_are_32_bytes_and_never_the_same() -> None:
    nonces = {new_nonce() for _ in range(100)}
    assert len(nonces) == 100 and {len(nonce) for nonce in nonces} == {32}
    assert encode_nonce(bytes(32)) == "A" * 43 + "="


def test_the_message_is_both_hashes_side_by_side() -> None:
    nonce = new_nonce()
    assert signed_message(ORIGIN, nonce) == sha256(ORIGIN.encode()).digest() + sha256(nonce).digest()


def test_a_short_nonce_is_the_callers_own_mistake() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        signed_message(ORIGIN, bytes(31))


def test_a_challenge_is_taken_once(now: datetime) -> None:
    book = ChallengeBook()
    challenge, nonce = book.issue("session", "sign_in", now)
    assert book.take(challenge, "session", "sign_in", now) == nonce
    with pytest.raises(ChallengeGone):
        book.take(challenge, "session", "sign_in", now)


@pytest.mark.parametrize(("session", "purpose"), [("other", "sign_in"), ("session", "register")])
def test_somebody_elses_challenge_is_used_up_and_given_to_nobody(
    now: datetime, session: str, purpose: str
) -> None:
    book = ChallengeBook()
    challenge, _ = book.issue("session", "sign_in", now)
    with pytest.raises(ChallengeGone):
        book.take(challenge, session, purpose, now)
    with pytest.raises(ChallengeGone):
        book.take(challenge, "session", "sign_in", now)


def test_a_challenge_ends_after_five_minutes(now: datetime) -> None:
    book = ChallengeBook()
    for age, gone in (
        (LIFETIME - timedelta(seconds=1), False),
        (LIFETIME, True),
        (timedelta(seconds=-1), True),
    ):
        challenge, nonce = book.issue("session", "sign_in", now)
        if gone:
            with pytest.raises(ChallengeGone):
                book.take(challenge, "session", "sign_in", now + age)
        else:
            assert book.take(challenge, "session", "sign_in", now + age) == nonce


def test_the_book_does_not_grow_for_ever(now: datetime) -> None:
    book = ChallengeBook(capacity=3)
    made = [book.issue("session", "sign_in", now) for _ in range(5)]
    with pytest.raises(ChallengeGone):
        book.take(made[0][0], "session", "sign_in", now)
    assert book.take(made[4][0], "session", "sign_in", now) == made[4][1]


def test_old_challenges_are_forgotten(now: datetime) -> None:
    book = ChallengeBook()
    for _ in range(3):
        book.issue("session", "sign_in", now)
    book.issue("session", "sign_in", now + LIFETIME)
    assert len(book._asked) == 1


def test_a_token_sent_again_finds_no_challenge(desk: Desk) -> None:
    """Replay: the nonce is taken out before the token is looked at, so the second one has none to be checked against."""
    book = ChallengeBook()
    challenge, nonce = book.issue("session", "sign_in", desk.now)
    token = parse_token(desk.pki.issue().token(ORIGIN, nonce))
    taken = book.take(challenge, "session", "sign_in", desk.now)
    assert verify_token(token, nonce=taken, origin=ORIGIN, trust=desk.trust, now=desk.now)
    with pytest.raises(ChallengeGone):
        book.take(challenge, "session", "sign_in", desk.now)
    _, fresh = book.issue("session", "sign_in", desk.now)
    with pytest.raises(SignatureWrong):
        verify_token(token, nonce=fresh, origin=ORIGIN, trust=desk.trust, now=desk.now)
