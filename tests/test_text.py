"""Text from elsewhere is shown in a bounded number of characters, none of which a terminal acts on."""

import pytest

from terse_temporal.diagnostics.text import closest, did_you_mean, list_names, shorten


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("abcde", 5, "abcde"),
        ("abcdef", 5, "abcd…"),
        ("a\x1bbc", 6, r"a\x1b…"),
        ("a\x1bbc", 7, r"a\x1bbc"),
        ("\u202eabc", 4, "\\u2…"),
        ("a\nb", 5, "a\nb"),
        ("a\r\nb\rc", 9, "a\nb\\rc"),
        ("\r\n" * 8 + "abc", 12, "\n" * 6 + "\\r…"),
        ("", 5, ""),
    ],
)
def test_a_text_is_cut_to_its_bound_with_what_was_escaped_in_it(text: str, most: int, shown: str) -> None:
    """The result has so many characters at most, says that something is missing, and has none that a terminal obeys."""
    assert shorten(text, most) == shown
    assert shorten(shown, most) == shown


def test_how_much_was_cut_is_said_once() -> None:
    """With the length, as much of the text is kept as was asked for, and it is not cut again when it is handed on."""
    shown = shorten("x" * 5_000, 100, with_length=True)
    assert shown == "x" * 100 + "… (5,000 characters in all)"
    assert shorten(shown, 100, with_length=True) == shown


def test_what_code_reads_again_is_cut_and_not_escaped() -> None:
    """Control characters stay where the text is not for a terminal."""
    assert shorten("\x1b[1mabc", 6, escape=False) == "\x1b[1ma…"


def test_a_name_is_compared_with_those_that_are_known() -> None:
    """The nearest are offered in order of likeness, as they are written; without any, nothing is said."""
    assert closest("custmer", ["customers", "order", "customer"]) == ["customer", "customers"]
    assert did_you_mean("custmer", ["customers", "order", "customer"]) == "; did you mean 'customer' or 'customers'?"
    assert did_you_mean("custmer", ["customer", "customers"], most=1) == "; did you mean 'customer'?"
    assert did_you_mean("jobz", ["jobs"], written={"jobs": "shop/jobs.py"}) == "; did you mean 'shop/jobs.py'?"
    assert did_you_mean("zzz", ["customer"]) == ""
    assert closest("custmer", ["customer", "customer"]) == ["customer"]  # an error, and the heading about it


def test_names_of_any_length_and_number_are_compared_within_bounds() -> None:
    """A name of a million characters, and a million names, take no time that would be noticed: both are cut."""
    assert closest("a" * 1_000_000, ["a" * 1_000_000, "b"]) == []
    assert closest("name-1", (f"name-{number}" for number in range(10_000_000)), most=1) == ["name-1"]


def test_many_names_are_counted() -> None:
    """Beyond twenty, the others are a number."""
    assert list_names(["b", "a"]) == "a, b"
    assert list_names([f"{number:02}" for number in range(23)], most=2) == "00, 01 and 21 more"
