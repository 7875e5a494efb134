"""A mail shows what others wrote as text: it cannot add a header, HTML, or a line that looks like another."""

from __future__ import annotations

from datetime import UTC, datetime
from html.parser import HTMLParser

from pydantic import TypeAdapter

from terse_temporal.inputs import InputOption, InputQuestion
from terse_temporal.inputs.email_way.content import Content, answered_mail, question_mail
from terse_temporal.inputs.questions import approval_options, options_json
from terse_temporal.tools.builtin.email.models import Line

TAGS = ("html", "head", "meta", "title", "style", "body", "table", "tr", "td", "th", "p", "a", "span", "br")

HOSTILE = "=?utf-8?q?x=0aBcc:?= \x1b[31m<script>alert(1)</script>\r\nBcc: eve@example.com\u202e\u2028\ud800 \"'&"


class Tags(HTMLParser):
    """The tags of a document, and where its links lead."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str | None] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


def question(**given: object) -> InputQuestion:
    known: dict[str, object] = {"id": "pay/7", "run": "r", "number": "2", "job": "pay", "prompt": "Pay?"}
    return InputQuestion(**{**known, **given})  # type: ignore[arg-type]


def check(mail: Content) -> Tags:
    """The subject is a line that a header takes, and the HTML has no tag but those of a mail."""
    TypeAdapter(Line).validate_python(mail.subject)
    tags = Tags(mail.html)
    assert tags.tags <= set(TAGS)
    assert "\x1b" not in mail.text + mail.html
    assert "\u202e" not in mail.text + mail.html
    assert (mail.text + mail.html).encode()
    return tags


def test_hostile_texts() -> None:
    """Whatever stands in a question, in every place where something can stand."""
    hostile = question(
        id=HOSTILE,
        job=HOSTILE,
        prompt=HOSTILE,
        options=(InputOption(HOSTILE, HOSTILE, HOSTILE),),
        details={HOSTILE: HOSTILE, "list": [HOSTILE], "none": float("nan"), "deep": [[HOSTILE]]},
        respond_by=(HOSTILE,),
        on_timeout=HOSTILE,
        until=datetime(2026, 1, 2, tzinfo=UTC),
    )
    tags = check(question_mail(hostile, "https://a.example/inputs/t"))
    (link,) = tags.links
    assert link is not None
    assert link.startswith("https://a.example/inputs/t?choice=%3D%3Futf-8")
    assert "<script>alert(1)</script>" in tags.text
    check(question_mail(hostile, None))
    check(answered_mail(hostile, {"ended": "answered", "by": HOSTILE, "choice": HOSTILE}))


def test_who_asks() -> None:
    """A mail says which job and run ask, since when, until when and what counts then, and for whom it is."""
    mail = question_mail(
        question(
            options=(InputOption("no", "Not now"),),
            details={"amount": 5, "urgent": True},
            since=datetime(2026, 1, 1, 9, 30, tzinfo=UTC),
            until=datetime(2026, 1, 2, tzinfo=UTC),
            on_timeout="no",
            respond_by=("ada@example.com",),
        ),
        "https://a.example/inputs/t",
        reminder=2,
    )
    assert mail.subject == "Reminder: Pay?"
    for text in (mail.text, Tags(mail.html).text):
        for said in ("pay/7, question 2", "2026-01-01 09:30 UTC", "2026-01-02 00:00 UTC, then “Not now” counts"):
            assert said in text
        for said in ("This is still open", "ada@example.com", "amount", "yes"):
            assert said in text


def test_an_approval() -> None:
    """A mail about the call of a tool has its name, its arguments and why a person is asked."""
    options = tuple(InputOption(**each) for each in approval_options())
    assert options_json(options) == approval_options()
    mail = question_mail(
        question(prompt="May bank.transfer be called?", tool="bank.transfer", arguments={"cents": 5}, options=options,
                 because="the policy failed"),
        "https://a.example/inputs/t",
    )  # fmt: skip
    assert "Tool: bank.transfer\ncents: 5" in mail.text
    assert "the policy failed" in mail.text
    assert "Approve\nhttps://a.example/inputs/t?choice=approve" in mail.text
    assert Tags(mail.html).links == [f"https://a.example/inputs/t?choice={each}" for each in ("approve", "deny")]


def test_without_a_page() -> None:
    """Where there is no page the mail says how to answer by the command line."""
    mail = question_mail(question(id="it's"), None)
    assert "terse-temporal inputs show 'it'\"'\"'s', then inputs answer" in mail.text
    assert not Tags(mail.html).links


def test_who_has_answered() -> None:
    """The name of whoever has answered is said, where it is known, and the label of what they chose."""
    asked = question(options=(InputOption("no", "Not now"),))
    outcome = {"ended": "answered", "by": "U012", "by_name": "Ada", "choice": "no"}
    assert "This was answered by Ada: “Not now”." in answered_mail(asked, outcome).text
    assert "This was answered by U012." in answered_mail(question(), {**outcome, "by_name": None, "choice": None}).text


def test_withdrawn() -> None:
    """A question that is withdrawn is said to be no longer asked."""
    mail = answered_mail(question(), {"ended": "withdrawn"})
    assert mail.subject == "No longer asked: Pay?"
