"""Questions to a person: asking, the ways to ask, forms, and answers."""

from .answers import InputAnswer
from .asking import wait_for_input
from .default_way import DefaultWay
from .email_way import EmailWay, email
from .forms import Form, FormField, LongText, read_form
from .links import question_link
from .questions import InputOption, InputQuestion
from .slack_way import SlackWay, slack
from .submitted import submitted_data
from .terminal_way import TerminalWay, terminal
from .tokens import InputToken, make_token, read_token
from .ways import InputWay
from .webpage_way import WebpageWay, webpage

__all__ = [
    "DefaultWay",
    "EmailWay",
    "Form",
    "FormField",
    "InputAnswer",
    "InputOption",
    "InputQuestion",
    "InputToken",
    "InputWay",
    "LongText",
    "SlackWay",
    "TerminalWay",
    "WebpageWay",
    "email",
    "make_token",
    "question_link",
    "read_form",
    "read_token",
    "slack",
    "submitted_data",
    "terminal",
    "wait_for_input",
    "webpage",
]
