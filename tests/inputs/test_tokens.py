"""The token in a link is that of one question of one run, and cannot be made, changed or cut without the key."""

from __future__ import annotations

import random

import pytest

from terse_temporal.inputs import InputToken, make_token, read_token

KEY, OTHER = b"k" * 32, b"o" * 32
TOKEN = InputToken("default", "expenses/7", "0199-run", "3", "ada@example.com")


def test_it_says_what_it_was_made_of() -> None:
    """With the key, and with an old one while it is replaced; in characters that stand in a link as they are."""
    made = make_token(TOKEN, [KEY])
    assert read_token(made, [KEY]) == TOKEN
    assert read_token(made, [OTHER, KEY]) == TOKEN
    assert read_token(made, [OTHER]) is None
    assert read_token(made, []) is None
    assert made.replace("-", "").replace("_", "").isalnum()
    assert made[-1] == "x"
    unusual = InputToken("näme", "a/b c\u2028\ud800" + "x" * 990, "", "", "")
    assert read_token(make_token(unusual, [KEY]), [KEY]) == unusual
    with pytest.raises(ValueError, match="no key"):
        make_token(TOKEN, [])


def test_none_can_be_made_of_it() -> None:
    """Every cut, every changed character, parts of two, and the same in another spelling are no tokens."""
    made, other = make_token(TOKEN, [KEY]), make_token(InputToken("default", "expenses/8", "r", "1"), [KEY])
    assert not [n for n in range(len(made)) if read_token(made[:n], [KEY]) or read_token(made[n + 1 :], [KEY])]
    chance = random.Random(7)
    for place in range(len(made)):
        for letter in chance.sample("ABCDEFabcdef0123456789-_=+/. \n%é", 8):
            changed = made[:place] + letter + made[place + 1 :]
            assert changed == made or read_token(changed, [KEY]) is None
    assert not [
        n
        for n in range(1, len(made))
        if made[:n] + other[n:] not in (made, other) and read_token(made[:n] + other[n:], [KEY])
    ]
    for spelled in (made + "x", f" {made}", f"{made}\n", f"{made[:-1]}=x", made.upper(), "", "x", "x" * 9_000):
        assert read_token(spelled, [KEY]) is None


def test_nothing_else_that_the_key_signs_is_one() -> None:
    """What an address of a job is made with has another label."""
    from terse_temporal.gateway.addresses import Addresses  # noqa: PLC0415  an extra is not needed for it

    token = Addresses([KEY]).path("expenses").rpartition("/")[2]
    assert read_token(token, [KEY]) is None
    assert read_token(token + "x", [KEY]) is None
    assert not Addresses([KEY]).accepts("expenses", make_token(TOKEN, [KEY]))
