"""A local server that behaves as GitHub documents its API for the deliveries of webhooks.

Deliveries come the newest first, in pages that `Link` headers lead through by a cursor; a further attempt at one is an
entry of its own with the same `guid`. Who has no token gets 401, who may not see a repository gets 404.
"""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

__all__ = ["TOKEN", "GitHubServer", "github_server"]

TOKEN = "github_pat_11AAAAAA0a1b2c3d4e5f"

#: An answer that is given once in the place of the usual one: status, headers, message.
Disturbance = tuple[int, dict[str, str], str]


@dataclass
class GitHubServer:
    """What GitHub knows, and what it was asked.

    Attributes:
        hooks: by the path that they belong to (`repos/acme/web`), their number and URL.
        deliveries: by the path of a hook, the attempts, newest first.
        disturbances: the answers to the next requests.
        requests: method and path of each.
        page: entries of a page, where the documented maximum is 100.
    """

    hooks: dict[str, dict[int, str]] = field(default_factory=dict)
    deliveries: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    disturbances: deque[Disturbance] = field(default_factory=deque)
    requests: list[str] = field(default_factory=list)
    page: int = 100
    token: str = TOKEN
    url: str = ""

    def deliver(self, hook: str, guid: str, code: int, *, ago: timedelta, event: str = "push", **more: Any) -> None:
        """Add an attempt at a delivery."""
        attempts = self.deliveries.setdefault(hook, [])
        entry = {
            "id": 10_000 + sum(map(len, self.deliveries.values())),
            "guid": guid,
            "delivered_at": (datetime.now(UTC) - ago).isoformat().replace("+00:00", "Z"),
            "redelivery": any(each["guid"] == guid for each in attempts),
            "duration": 0.03,
            "status": "OK" if code < 300 else f"Invalid HTTP Response: {code}",
            "status_code": code,
            "event": event,
            "action": None,
            "installation_id": None,
            "repository_id": 1,
            "throttled_at": None,
        } | more
        attempts.append(entry)
        attempts.sort(key=lambda each: str(each["delivered_at"]), reverse=True)

    @property
    def asked(self) -> list[str]:
        """The guids that were asked for again, in order."""
        guids = {str(each["id"]): each["guid"] for entries in self.deliveries.values() for each in entries}
        found = (re.fullmatch(r"POST .*/deliveries/(\d+)/attempts", each) for each in self.requests)
        return [guids[each[1]] for each in found if each]

    def answer(self, method: str, target: str, token: str | None) -> tuple[int, dict[str, str], Any]:
        """Return status, headers and body of an answer."""
        path, query = urlsplit(target).path.lstrip("/"), parse_qs(urlsplit(target).query)
        self.requests.append(f"{method} /{path}")
        if token != f"Bearer {self.token}":
            return 401, {}, {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest"}
        if self.disturbances:
            status, headers, message = self.disturbances.popleft()
            return status, headers, {"message": message}
        if method == "POST" and (found := re.fullmatch(r"(.+)/deliveries/(\d+)/attempts", path)):
            entries = self.deliveries.get(found[1], [])
            attempt = next((each for each in entries if each["id"] == int(found[2])), None)
            return (404, {}, {"message": "Not Found"}) if attempt is None else (202, {}, {})
        if path.endswith("/hooks") and (owner := path.removesuffix("/hooks")) in self.hooks:
            hooks = [{"id": number, "name": "web", "config": {"url": url}} for number, url in self.hooks[owner].items()]
            return self._page(path, query, hooks)
        if path.endswith("/deliveries") and (hook := path.removesuffix("/deliveries")) in self.deliveries:
            return self._page(path, query, self.deliveries[hook])
        return 404, {}, {"message": "Not Found", "status": "404"}

    def _page(self, path: str, query: dict[str, list[str]], entries: list[Any]) -> tuple[int, dict[str, str], Any]:
        size = min(int(query.get("per_page", ["30"])[0]), self.page)
        start = int(query.get("cursor", ["v1_0"])[0].removeprefix("v1_"))
        link = f'<{self.url}/{path}?per_page={size}&cursor=v1_{start + size}>; rel="next"'
        return 200, {"link": link} if start + size < len(entries) else {}, entries[start : start + size]


@contextmanager
def github_server() -> Iterator[GitHubServer]:
    """Serve for the time of a `with`."""
    server = GitHubServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = server.answer(self.command, self.path, self.headers.get("authorization"))
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-type", "application/json; charset=utf-8")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815  as the library calls it

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        server.url = f"http://127.0.0.1:{listening.server_address[1]}"
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown()
            thread.join()
