"""A real ComfyUI, started for a test: a base directory of its own, a free port, the CPU, no network.

Standard library only; the host runs in its own Python. The checkout is read, never written.
"""

from __future__ import annotations

import base64
import ctypes
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass, field
from pathlib import Path

# Runs in the host before anything else: whatever leaves this machine is refused and written down.
NETWORK_GUARD = """
import os, sys
def refuse_far_hosts(event, args):
    if event == "socket.getaddrinfo":
        target = args[0]
    elif event == "socket.connect" and isinstance(args[1], tuple):
        target = args[1][0]
    else:
        return
    target = target.decode() if isinstance(target, bytes) else target
    if not target or target in ("localhost", "::1", "::", "0.0.0.0") or target.startswith("127."):
        return
    with open(os.environ["NETWORK_LOG"], "a") as log:
        log.write(f"{event} {target}\\n")
    raise ConnectionRefusedError(f"no network in this test: {event} {target}")
sys.addaudithook(refuse_far_hosts)
"""


class NoHost(Exception):  # noqa: N818 - a reason to skip
    """There is no usable ComfyUI here; the text says what is missing."""


class Refused(Exception):  # noqa: N818 - an answer, not a failure of the tests
    """The host refused a graph before running it. `errors` maps node ids to what the host says of them."""

    def __init__(self, reply: dict):
        self.errors = reply.get("node_errors") or {}
        super().__init__(json.dumps(reply, indent=1))

    def details(self, node_id: str) -> str:
        return "\n".join(error["details"] for error in self.errors.get(node_id, {}).get("errors", []))


@dataclass(frozen=True)
class Checkout:
    """A ComfyUI source tree and the Python that can run it."""

    path: Path
    python: Path

    @classmethod
    def find(cls, path: str, python: str | None = None) -> Checkout:
        root = Path(path).expanduser()
        if not (root / "comfy_api" / "latest").is_dir():
            raise NoHost(f"{root} holds no ComfyUI with the V3 node API")
        own = (root / ".venv" / "bin" / "python", root / ".venv" / "Scripts" / "python.exe")
        candidates = [python] if python else own
        for candidate in map(Path, candidates):
            if candidate.is_file():
                return cls(root, candidate)
        raise NoHost(f"no Python for {root}: looked for {', '.join(map(str, candidates))}")

    @property
    def version(self) -> str:
        text = (self.path / "comfyui_version.py").read_text(encoding="utf-8")
        return re.search(r'__version__ = "(.+)"', text).group(1)


@dataclass
class Run:
    """How one graph went. `events` holds (seconds since the start, message) as the websocket brought them."""

    status: str  # "success", "error" or "interrupted"
    message: str  # what the host shows the user, where it failed
    outputs: dict
    events: list[tuple[float, dict]] = field(repr=False)
    seconds: float

    def progress_of(self, node_id: str) -> list[tuple[float, int, int]]:
        """(seconds, value, maximum) of each progress message of one node."""
        return [
            (at, event["data"]["value"], event["data"]["max"])
            for at, event in self.events
            if event["type"] == "progress" and str(event["data"].get("node")) == node_id
        ]


class ComfyUI:
    """A running host. Use as a context manager."""

    def __init__(self, checkout: Checkout, packs: list[Path], host_args: tuple[str, ...] = (), start_timeout_s=300):
        self.checkout, self.packs, self.host_args = checkout, packs, host_args
        self.start_timeout_s = start_timeout_s
        self.base = Path(tempfile.mkdtemp(prefix="comfyui_"))
        self.process: subprocess.Popen | None = None
        self.url = ""
        self.startup_log = ""

    # -- life cycle

    def __enter__(self) -> ComfyUI:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *exception) -> None:
        self._stop()

    def _start(self) -> None:
        for folder in ("custom_nodes", "input", "output", "temp", "user", "models", "guard"):
            (self.base / folder).mkdir()
        for pack in self.packs:
            _link_or_copy(pack, self.base / "custom_nodes" / pack.name)
        (self.base / "guard" / "sitecustomize.py").write_text(NETWORK_GUARD, encoding="utf-8")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        command = [
            self.checkout.python, self.checkout.path / "main.py", "--cpu", "--listen", "127.0.0.1", "--port", port,
            "--base-directory", self.base, "--database-url", f"sqlite:///{self.base / 'user' / 'comfyui.db'}",
            "--disable-auto-launch", "--disable-api-nodes", *self.host_args,
        ]  # fmt: skip
        environment = os.environ | {
            "PYTHONPATH": str(self.base / "guard"),
            "PYTHONIOENCODING": "utf-8",
            "PYTHONUNBUFFERED": "1",
            "NETWORK_LOG": str(self.base / "network.log"),
            "HF_HUB_OFFLINE": "1",
        }
        with open(self.base / "host.log", "wb") as log:
            self.process = subprocess.Popen(
                [str(part) for part in command], cwd=self.base, env=environment, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            )  # fmt: skip
        deadline = time.monotonic() + self.start_timeout_s
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"ComfyUI ended while starting:\n{self.log()[-4000:]}")
            try:
                self.get("/system_stats")
                self.startup_log = self.log()
                return
            except OSError:
                time.sleep(0.2)
        raise RuntimeError(f"ComfyUI was not ready in {self.start_timeout_s} s:\n{self.log()[-4000:]}")

    def _stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        shutil.rmtree(self.base, ignore_errors=True)

    # -- what it says

    def log(self) -> str:
        """The host's output without colours and level marks."""
        text = re.sub(r"\x1b\[[0-9;]*m", "", (self.base / "host.log").read_text(encoding="utf-8", errors="replace"))
        return re.sub(r"^\[(?:DEBUG|INFO|WARNING|ERROR)\] ?", "", text, flags=re.MULTILINE)

    def network_attempts(self) -> list[str]:
        log = self.base / "network.log"
        return log.read_text(encoding="utf-8").splitlines() if log.exists() else []

    def import_seconds(self, pack: Path) -> float:
        """As the host's own log prints it, to one decimal."""
        found = re.search(rf"([\d.]+) seconds: {re.escape(str(self.base / 'custom_nodes' / pack.name))}\s", self.log())
        assert found, f"the host's log does not list {pack.name} as imported:\n{self.log()[-6000:]}"
        return float(found.group(1))

    def get(self, path: str):
        return json.loads(self.get_text(path))

    def get_text(self, path: str) -> str:
        with _opener.open(self.url + path, timeout=60) as reply:
            return reply.read().decode()

    def post(self, path: str, body: dict) -> dict:
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
        )
        try:
            with _opener.open(request, timeout=60) as reply:
                return json.loads(reply.read() or b"{}")
        except urllib.error.HTTPError as refusal:
            raise Refused(json.loads(refusal.read())) from None

    def nodes(self) -> dict:
        """/object_info: every node the host knows."""
        return self.get("/object_info")

    def add_input(self, source: Path, name: str | None = None) -> None:
        shutil.copy2(source, self.base / "input" / (name or source.name))

    def saved_files(self, run: Run, node_id: str) -> list[Path]:
        listed = [entry for entries in run.outputs.get(node_id, {}).values() for entry in entries]
        return [
            self.base / entry["type"] / entry["subfolder"] / entry["filename"]
            for entry in listed
            if isinstance(entry, dict) and "filename" in entry
        ]

    # -- running a graph

    def run(self, graph: dict, timeout_s: float = 300, interrupt_when=None) -> Run:
        """Queue an API-format graph and follow it to its end. Raises Refused where the host does not accept it.

        interrupt_when: called with every message; the first True presses cancel.
        """
        client = uuid.uuid4().hex
        start = time.monotonic()
        with WebSocket(self.url, f"/ws?clientId={client}") as socket_:
            prompt = self.post("/prompt", {"prompt": graph, "client_id": client})
            if prompt.get("node_errors"):
                self.post("/interrupt", {"prompt_id": prompt["prompt_id"]})
                raise Refused(prompt)
            prompt_id = prompt["prompt_id"]
            events, ended, interrupted = [], False, False
            while not ended:
                if time.monotonic() - start > timeout_s:
                    raise TimeoutError(f"no end after {timeout_s} s; the log ends:\n{self.log()[-3000:]}")
                assert self.process.poll() is None, f"the host died:\n{self.log()[-3000:]}"
                message = socket_.receive(timeout_s=0.5)
                if message is None or message.get("data", {}).get("prompt_id") not in (None, prompt_id):
                    continue
                events.append((time.monotonic() - start, message))
                if interrupt_when and not interrupted and interrupt_when(message):
                    interrupted = True
                    self.post("/interrupt", {"prompt_id": prompt_id})
                    events.append((time.monotonic() - start, {"type": "cancel_pressed", "data": {}}))
                ended = message["type"] == "executing" and message["data"].get("node") is None
        seconds = time.monotonic() - start
        status, text = "success", ""
        for _, message in events:
            if message["type"] == "execution_error":
                status, text = "error", message["data"]["exception_message"]
            elif message["type"] == "execution_interrupted":
                status = "interrupted"
        outputs = self.get(f"/history/{prompt_id}").get(prompt_id, {}).get("outputs", {})
        return Run(status, text, outputs, events, seconds)


class WebSocket:
    """The receiving half of RFC 6455, as far as ComfyUI uses it. Previews come as {"type": "binary"}."""

    def __init__(self, url: str, path: str):
        host, port = url.removeprefix("http://").split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=30)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self.buffer += self.socket.recv(65536)
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        assert b" 101 " in head.splitlines()[0], head

    def __enter__(self) -> WebSocket:
        return self

    def __exit__(self, *exception) -> None:
        self.socket.close()

    def receive(self, timeout_s: float) -> dict | None:
        """The next message, or None when none is complete in time."""
        self.socket.settimeout(timeout_s)
        payload, kind = b"", 0
        while True:
            try:
                while (frame := self._take_frame()) is None:
                    received = self.socket.recv(65536)
                    if not received:
                        raise ConnectionError("the host closed the websocket")
                    self.buffer += received
            except TimeoutError:
                if not payload:
                    return None
                continue
            final, opcode, part = frame
            if opcode == 9:  # ping: answer with an empty, masked pong
                self.socket.sendall(b"\x8a\x80" + os.urandom(4))
                continue
            if opcode in (0, 1, 2):
                kind = opcode or kind
                payload += part
                if final:
                    return json.loads(payload) if kind == 1 else {"type": "binary", "data": {}}

    def _take_frame(self) -> tuple[bool, int, bytes] | None:
        buffer = self.buffer
        if len(buffer) < 2:
            return None
        length, start = buffer[1] & 127, 2
        if length >= 126:
            width = 2 if length == 126 else 8
            if len(buffer) < 2 + width:
                return None
            length, start = struct.unpack(">H" if width == 2 else ">Q", buffer[2 : 2 + width])[0], 2 + width
        if len(buffer) < start + length:
            return None
        self.buffer = buffer[start + length :]
        return bool(buffer[0] & 128), buffer[0] & 15, buffer[start : start + length]


_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: no host outlives a killed test run


def _link_or_copy(pack: Path, target: Path) -> None:
    try:
        target.symlink_to(pack, target_is_directory=True)
    except OSError:  # Windows without the right to link
        shutil.copytree(pack, target, ignore=shutil.ignore_patterns(".git", ".venv", "output", "__pycache__"))
