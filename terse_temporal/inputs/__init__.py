"""Questions to a person: asking, the ways to ask, forms, and answers."""

from .answers import InputAnswer
from .asking import wait_for_input
from .forms import Form, FormField, LongText, read_form, submitted_data
from .links import question_link
from .questions import InputOption, InputQuestion
from .tokens import InputToken, make_token, read_token
from .ways import InputWay

__all__ = [
    "Form",
    "FormField",
    "InputAnswer",
    "InputOption",
    "InputQuestion",
    "InputToken",
    "InputWay",
    "LongText",
    "make_token",
    "question_link",
    "read_form",
    "read_token",
    "submitted_data",
    "wait_for_input",
]
