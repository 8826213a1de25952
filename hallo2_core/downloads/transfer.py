"""One HTTP request for the rest of a file, through redirects, and what the server says about the file."""

from __future__ import annotations

import http.client
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from importlib.util import find_spec
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from .. import __version__
from ..errors import DownloadError

BLOCK_BYTES = 1 << 20
# Also how long a cancel can take while the connection stalls.
TIMEOUT_SECONDS = 15
WORTH_A_RETRY = {408, 425, 429, 500, 502, 503, 504}
SHA256 = re.compile(r"[0-9a-f]{64}")
NETWORK_ERRORS = (OSError, http.client.HTTPException)


class Interrupted(Exception):  # noqa: N818 - not an error yet: the request is repeated
    """The connection failed or broke off; another request may succeed."""


@dataclass(frozen=True)
class Offer:
    """What the server says about the file. total_bytes, sha256: None and "" if it does not say."""

    start: int  # the first byte that it sends
    total_bytes: int | None
    sha256: str
    media_type: str


@dataclass(frozen=True)
class Answer:
    offer: Offer
    blocks: Iterator[bytes]  # raises Interrupted


@contextmanager
def request(url: str, start: int, timeout_seconds: float = TIMEOUT_SECONDS) -> Iterator[Answer]:
    """Ask for the file from byte `start` on. A server without ranges sends the whole file: see `Offer.start`.

    Errors: Interrupted if another request may succeed, else DownloadError.
    """
    redirects = _Redirects()
    headers = {"User-Agent": f"comfyui-hallo2/{__version__}"} | ({"Range": f"bytes={start}-"} if start else {})
    opener = build_opener(redirects, HTTPSHandler(context=_trusted()))
    try:
        response = opener.open(Request(url, headers=headers), timeout=timeout_seconds)
    except HTTPError as refusal:
        with refusal:
            if refusal.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                yield Answer(_nothing_left(refusal.headers, redirects.stated), iter(()))
                return
            raise _refused(url, refusal) from None
    except URLError as error:
        raise Interrupted(_reason(error.reason)) from error
    except NETWORK_ERRORS as error:
        raise Interrupted(_reason(error)) from error
    with response:
        offer = _offer(response.status, response.headers, {**redirects.stated, **_stated(response.headers)})
        yield Answer(offer, _blocks(response))


class _Redirects(HTTPRedirectHandler):
    """Keeps what Hugging Face states about the file in its first answer, and refuses to leave https."""

    def __init__(self) -> None:
        self.stated: dict[str, str] = {}

    def redirect_request(
        self, req: Request, fp: object, code: int, msg: str, headers: Message, newurl: str
    ) -> Request | None:
        if req.type == "https" and urlsplit(newurl).scheme != "https":
            raise DownloadError(
                f"{req.full_url} redirects to an address without encryption ({newurl}). Use another endpoint."
            )
        self.stated = {**_stated(headers), **self.stated}
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _stated(headers: Message) -> dict[str, str]:
    """The size and the SHA-256 of a large file, from Hugging Face's own headers."""
    stated = {"size": headers.get("X-Linked-Size", ""), "sha256": headers.get("X-Linked-ETag", "").strip('W/"')}
    return {name: value for name, value in stated.items() if value}


def _offer(status: int, headers: Message, stated: Mapping[str, str]) -> Offer:
    start, total = 0, headers.get("Content-Length", "") or stated.get("size", "")
    if status == HTTPStatus.PARTIAL_CONTENT:
        ranged = re.match(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range", ""))
        if ranged is None:
            raise Interrupted("the server sent a part of the file without saying which")
        start, total = int(ranged[1]), ranged[2]
    return Offer(start, int(total) if total.isdigit() else None, _hash(stated), headers.get_content_type())


def _nothing_left(headers: Message, stated: Mapping[str, str]) -> Offer:
    """No bytes from `start` on: the file was complete, or it is longer than the server's."""
    total = re.match(r"bytes \*/(\d+)", headers.get("Content-Range", ""))
    total_bytes = None if total is None else int(total[1])
    return Offer(total_bytes or 0, total_bytes, _hash(stated), "")


def _hash(stated: Mapping[str, str]) -> str:
    value = stated.get("sha256", "")
    return value if SHA256.fullmatch(value) else ""


def _blocks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    try:
        while block := response.read(BLOCK_BYTES):
            yield block
    except NETWORK_ERRORS as error:
        raise Interrupted(_reason(error)) from error


def _refused(url: str, refusal: HTTPError) -> Exception:
    code, host = refusal.code, urlsplit(url).hostname
    if code in WORTH_A_RETRY:
        return Interrupted(f"the server answered {code} {refusal.reason}")
    if code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return DownloadError(
            f"{host} refuses access to {url} ({code}). A proxy or the country you are in may be blocked: use a mirror "
            f"(the endpoint option, or the variable HF_ENDPOINT), or download the file in a browser."
        )
    if code in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return DownloadError(f"{host} does not have {url} ({code}). Use another endpoint: mirrors can be incomplete.")
    return DownloadError(f"{host} answered {code} {refusal.reason} to {url}. Use another endpoint, or try later.")


def _reason(error: object) -> str:
    """A readable line: many network errors have no text."""
    if isinstance(error, TimeoutError):
        return "the server sent nothing for too long"
    return str(error) or type(error).__name__


def _trusted() -> ssl.SSLContext:
    """The system's certificates, and those of certifi where it is installed: some Pythons come without any."""
    context = ssl.create_default_context()
    if find_spec("certifi") is not None:
        import certifi

        context.load_verify_locations(certifi.where())
    return context
