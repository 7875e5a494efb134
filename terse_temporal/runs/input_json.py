"""Questions as JSON for programs: what the command line prints, and the API of the gateway answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ..inputs.questions import InputQuestion

__all__ = ["moment_json", "question_json"]


def question_json(question: InputQuestion) -> dict[str, Any]:
    """Return a question for programs."""
    found: dict[str, Any] = {
        "id": question.id,
        "number": question.number,
        "job": question.job,
        "run": question.run,
        "prompt": question.prompt,
        "since": moment_json(question.since),
        "until": moment_json(question.until),
        "options": [
            {"id": each.id, "label": each.label, "description": each.description, "free_text": each.free_text}
            for each in question.options
        ],
        "form": question.form,
        "details": question.details,
        "on_timeout": question.on_timeout,
        "respond_by": list(question.respond_by),
        "via": list(question.via),
    }
    if question.tool is not None:
        found |= {"tool": question.tool, "arguments": question.arguments, "because": question.because}
    return found


def moment_json(moment: datetime | None) -> str | None:
    """Return a time for programs."""
    return None if moment is None else moment.astimezone(UTC).isoformat()
