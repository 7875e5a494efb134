"""A web service for tests: it answers as it is told, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Request:
    """What was asked."""

    headers: Mapping[str, str]
    data: Any


@dataclass(frozen=True)
class Answer:
    """What is answered, as JSON."""

    data: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Service:
    """A real HTTP server, in a thread, for the length of a `with` block."""

    def __init__(self) -> None:
        self._answers: dict[str, list[Answer | Callable[[], Answer]]] = {}
        self._asked: defaultdict[str, list[Request]] = defaultdict(list)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        """Its address, for the job's environment."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, route: str, *answers: Answer | Callable[[], Answer]) -> None:
        """Answer a route, such as `"GET /users/7"`, with these in turn; the last one stays. The query does not count.

        Given a function, it is called for each request.
        """
        self._answers[route] = list(answers)

    def asked(self, route: str) -> list[Request]:
        """Return the requests for a route, in order."""
        return self._asked[route]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _reply(self, route: str, request: Request) -> Answer:
        self._asked[route].append(request)
        answers = self._answers.get(route)
        if not answers:
            return Answer({"message": f"no such route: {route}"}, status=404)
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer() if callable(answer) else answer

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        reply = self._reply

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._reply()

            def do_POST(self) -> None:
                self._reply()

            def _reply(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = Request(dict(self.headers), json.loads(body) if body else None)
                answer = reply(f"{self.command} {urlsplit(self.path).path}", request)
                sent = json.dumps(answer.data).encode()
                self.send_response(answer.status)
                for name, value in {**answer.headers, "Content-Length": str(len(sent))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, format: str, *args: object) -> None:
                """Print nothing: what was asked is remembered."""

        return Handler
