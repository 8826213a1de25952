"""A server of one file on this machine, which misbehaves as it is told. Standard library only."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread


@dataclass
class Behavior:
    """content: what every path has. Lists are used up, one entry per request for the file; then all is well."""

    content: bytes
    cuts: list[int] = field(default_factory=list)  # bytes after which the connection closes
    statuses: list[int] = field(default_factory=list)  # answered instead of the file
    has_ranges: bool = True
    says_length: bool = True
    media_type: str = "application/octet-stream"
    linked_etag: str = ""  # Hugging Face's header, on the redirect
    redirects: bool = False  # as Hugging Face does, to a path of its own
    redirect_to: str = ""  # somewhere else
    stalls_after: int | None = None  # bytes after which nothing comes, until `stop`
    requests: list[tuple[str, str]] = field(default_factory=list)  # (path, Range)
    stop: Event = field(default_factory=Event)

    @property
    def ranges(self) -> list[str]:
        """The Range header of each request for the file itself."""
        return [ranged for path, ranged in self.requests if not self.redirects or path.startswith("/cdn")]


@contextmanager
def serving(behavior: Behavior):
    """Gives the server's address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(behavior))
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        behavior.stop.set()
        server.shutdown()
        server.server_close()


def _handler(behavior: Behavior) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_arguments):
            pass

        def do_GET(self):  # noqa: N802 - the base class finds it by this name
            ranged = self.headers.get("Range", "")
            behavior.requests.append((self.path, ranged))
            if behavior.redirects and not self.path.startswith("/cdn"):
                self.send_response(302)
                self.send_header("Location", behavior.redirect_to or f"/cdn{self.path}")
                if behavior.linked_etag:
                    self.send_header("X-Linked-ETag", f'"{behavior.linked_etag}"')
                    self.send_header("X-Linked-Size", str(len(behavior.content)))
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif behavior.statuses:
                self.send_error(behavior.statuses.pop(0))
            else:
                self.send_file(ranged)

        def send_file(self, ranged):
            size, start = len(behavior.content), 0
            if behavior.has_ranges and (wanted := re.fullmatch(r"bytes=(\d+)-", ranged)):
                start = int(wanted[1])
                if start >= size:
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{size}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
            else:
                self.send_response(200)
            self.send_header("Content-Type", behavior.media_type)
            if behavior.says_length:
                self.send_header("Content-Length", str(size - start))
            else:
                self.close_connection = True
                self.send_header("Connection", "close")
            self.end_headers()
            self.send_body(behavior.content[start:])

        def send_body(self, body):
            if behavior.cuts:
                self.wfile.write(body[: behavior.cuts.pop(0)])
                self.close_connection = True
            elif behavior.stalls_after is not None:
                self.wfile.write(body[: behavior.stalls_after])
                self.wfile.flush()
                behavior.stop.wait(30)
                self.close_connection = True
            else:
                self.wfile.write(body)

    return Handler
