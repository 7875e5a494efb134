"""HTML of the templates, and the headers that go with it.

Whatever is put into a template is escaped, for it may be of anybody's making. A page loads nothing: its stylesheet
stands in it, and is the only one that the browser applies, by its hash. No page has a script.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

__all__ = ["html_response", "page_headers", "render"]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("terse_temporal.gateway.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["css"] = Markup(_stylesheet())
    return environment


@cache
def _stylesheet() -> str:
    return (files("terse_temporal.gateway.pages") / "templates" / "page.css").read_text(encoding="utf-8")


def render(template: str, **context: Any) -> str:
    """Return the HTML of a template.

    Args:
        template: its file, in `templates/`.
        context: every name that it uses; one that is missing is an error.
    """
    return _environment().get_template(template).render(context)


@cache
def page_headers() -> Mapping[str, str]:
    """Return the headers of every page: nothing is kept, framed, loaded from elsewhere, or told to where links lead."""
    style = base64.b64encode(sha256(_stylesheet().encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{style}'; img-src data:; form-action 'self'; frame-ancestors 'none';"
        " base-uri 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex, nofollow",
    }


def html_response(html: str, status: int = 200, headers: Mapping[str, str] | None = None) -> HTMLResponse:
    """Return the answer that a page is."""
    # Half of a surrogate pair, which a memo may have, is a question mark.
    return HTMLResponse(html.encode("utf-8", "replace"), status, {**page_headers(), **(headers or {})})
