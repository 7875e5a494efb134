"""An operator is known by their token, or for a day by a cookie that is signed with it; nobody else is."""

from __future__ import annotations

from terse_temporal.gateway.operator_sessions import SESSION_SECONDS, make_session, read_session
from terse_temporal.gateway.operator_tokens import Operator, Operators
from terse_temporal.gateway.secrets import GatewaySecrets

_NOW = 1_800_000_000.0
_TOKENS = "ada:token-of-ada-for-tests, Bob B. : token-of-bob-for-tests,token-without-a-name"


def _operators(tokens: str = _TOKENS) -> Operators:
    return Operators.of(GatewaySecrets.read({"TERSE_OPERATOR_TOKEN": tokens}))


def test_a_token_says_who_it_is() -> None:
    operators = _operators()
    found = {token: operators.of_token(token) for token in ("token-of-ada-for-tests", "token-of-bob-for-tests")}
    assert [each and each.name for each in found.values()] == ["ada", "Bob B."]
    unnamed = operators.of_token("token-without-a-name")
    assert unnamed is not None
    assert unnamed.name == "operator"
    for wrong in (
        "",
        "ada",
        "ada:token-of-ada-for-tests",
        "token-of-ada-for-test",
        "token-of-ada-for-testsx",
        "ä\ud800",
    ):
        assert operators.of_token(wrong) is None
    assert not Operators.of(GatewaySecrets.read({}))
    assert "token-of" not in repr(list(operators))


def test_a_cookie_ends() -> None:
    operators = _operators()
    ada, bob, _ = operators
    cookie = make_session(ada, _NOW)
    assert read_session(cookie, operators, _NOW) == ada
    assert read_session(cookie, operators, _NOW + SESSION_SECONDS - 1) == ada
    assert read_session(cookie, operators, _NOW + SESSION_SECONDS) is None
    assert read_session(make_session(bob, _NOW), operators, _NOW) == bob
    assert read_session(make_session(ada, _NOW + 3600), operators, _NOW) is None  # by a clock that is wrong


def test_a_cookie_is_taken_as_it_was_made_alone() -> None:
    operators = _operators()
    ada = next(iter(operators))
    cookie = make_session(ada, _NOW)
    until, _, signature = cookie.partition(".")
    forged = make_session(Operator("ada", b"another-token"), _NOW)
    wrong = [
        "",
        ".",
        signature,
        cookie[:-1],
        cookie + "0",
        cookie.upper(),
        f"{int(until) + 1}.{signature}",
        f"0{cookie}",
        f"+{cookie}",
        f"{until}.{'0' * 64}",
        f"{'9' * 13}.{signature}",
        cookie.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
        cookie + "\n",
        forged,
        "9" * 100_000,
    ]
    assert [text for text in wrong if read_session(text, operators, _NOW) is not None] == []


def test_it_ends_when_the_token_is_taken_away() -> None:
    """And stays while only others are."""
    cookie = make_session(next(iter(_operators())), _NOW)
    assert read_session(cookie, _operators("bob:token-of-bob-for-tests"), _NOW) is None
    kept = read_session(cookie, _operators("ada:token-of-ada-for-tests"), _NOW)
    assert kept is not None
    assert kept.name == "ada"
