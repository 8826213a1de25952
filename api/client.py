"""Make videos through ComfyUI's API: upload a portrait and a voice, queue a graph, follow it, fetch the video.

    python client.py GRAPH.json --portrait me.png --audio voice.wav --out talking.mp4 --set Hallo2SampleVideo.seed=7
    python client.py GRAPH.json --jobs jobs.jsonl

GRAPH.json is a graph in API format, such as those in workflows/api. Needs Python 3.10 or newer, and websocket-client
from PyPI. Prints one JSON object per job. Run the same command again to continue: a job that still runs is followed,
one that has finished is only fetched, and a stopped one keeps its finished clips. docs/api.md explains it.

Exit status: 0 every video is there; 1 a job was refused or failed; 2 bad input; 3 the connection was lost; 130 Ctrl+C
(the job keeps running in ComfyUI).
"""

from __future__ import annotations

import argparse
import hashlib
import html
import http.client
import json
import os
import shutil
import struct
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import websocket

Graph = dict[str, dict]  # node id → {"class_type": …, "inputs": {…}}
UPLOADS = "hallo2_client"  # below ComfyUI's input folder
QUIET_SECONDS = 5  # without a message for so long, ask whether the job is still in the queue
PATIENCE_SECONDS = 60  # to reach the server again
JOB_KEYS = {"out", "portrait", "audio", "set"}
TEXT_MESSAGE = 3  # ComfyUI's binary message with the text that a node shows


class Problem(Exception):  # noqa: N818 - a base class; its subclasses say what kind
    """Reported as one line. status: the exit status."""

    status = 1
    state = "failed"


class Refused(Problem):
    """ComfyUI did not accept the graph."""

    state = "refused"


class Failed(Problem):
    """A node stopped with an error, or the job was canceled."""


class BadInput(Problem):
    """A file, a graph or an option is wrong: nothing was sent."""

    status = 2


class ConnectionLost(Problem):
    """The server cannot be reached."""

    status = 3


class HTTPRefusal(Problem):
    """The server answered with an error. code: of HTTP."""

    def __init__(self, code: int, body: bytes) -> None:
        super().__init__(f"The server answered with HTTP {code}: {body[:300].decode(errors='replace')}")
        self.code, self.body = code, body


@dataclass(frozen=True)
class Job:
    """One video. settings: "NODE.input" → value, where NODE is a node's id or its class."""

    out: Path
    portrait: Path | None = None
    audio: Path | None = None
    settings: dict[str, object] = field(default_factory=dict)


class Server:
    """A running ComfyUI. Every method raises ConnectionLost if it does not answer."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def open(self, path: str, body: bytes | None = None, kind: str = "application/json") -> http.client.HTTPResponse:
        request = urllib.request.Request(self.url + path, body, {"Content-Type": kind})
        try:
            return urllib.request.urlopen(request, timeout=60)
        except urllib.error.HTTPError as error:
            raise HTTPRefusal(error.code, error.read()) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ConnectionLost(
                f"{self.url} does not answer ({error}). Is ComfyUI running there? Run the same command again to go on."
            ) from error

    def get(self, path: str) -> dict:
        with self.open(path) as reply:
            return json.loads(reply.read())

    def post(self, path: str, message: dict) -> dict:
        with self.open(path, json.dumps(message).encode()) as reply:
            return json.loads(reply.read() or b"{}")

    def upload(self, path: Path) -> str:
        """The file's name for LoadImage and LoadAudio. It is named by its content, so no two files get mixed up."""
        content = path.read_bytes()
        name = hashlib.sha256(content).hexdigest()[:24] + path.suffix.lower()
        boundary = uuid.uuid4().hex
        part = f"--{boundary}\r\nContent-Disposition: form-data; name="
        body = b"".join([
            f'{part}"subfolder"\r\n\r\n{UPLOADS}\r\n{part}"image"; filename="{name}"\r\n'.encode(),
            b"Content-Type: application/octet-stream\r\n\r\n", content, f"\r\n--{boundary}--\r\n".encode(),
        ])  # fmt: skip
        try:
            with self.open("/upload/image", body, f"multipart/form-data; boundary={boundary}") as reply:
                saved = json.loads(reply.read())
        except HTTPRefusal as refusal:
            if refusal.code == http.client.REQUEST_ENTITY_TOO_LARGE:
                raise BadInput(f"{path} is too large. Start ComfyUI with --max-upload-size, in MB.") from None
            raise
        return f"{saved['subfolder']}/{saved['name']}"

    def inputs_of(self, node_class: str) -> set[str]:
        """The inputs of a node; empty if the server has no such node, which it then says of the graph."""
        info = self.get(f"/object_info/{urllib.parse.quote(node_class)}").get(node_class, {"input": {}})
        return {name for kind in ("required", "optional") for name in info["input"].get(kind, ())}

    def queue(self, job_id: str, graph: Graph) -> None:
        """job_id also names the client, so that whoever follows the job by its id gets its progress."""
        try:
            reply = self.post("/prompt", {"prompt": graph, "prompt_id": job_id, "client_id": job_id})
        except HTTPRefusal as refusal:
            if refusal.code == http.client.BAD_REQUEST:
                raise Refused(refusal_text(json.loads(refusal.body), graph)) from None
            raise
        if reply.get("node_errors"):  # ComfyUI would run the rest of the graph
            self.post("/queue", {"delete": [job_id]})
            self.post("/interrupt", {"prompt_id": job_id})
            raise Refused(refusal_text(reply, graph))

    def is_queued(self, job_id: str) -> bool:
        queue = self.get("/queue")
        return any(job_id == item[1] for item in [*queue["queue_running"], *queue["queue_pending"]])

    def run(self, job_id: str, graph: Graph, progress: Progress) -> None:
        """Returns when the job has left the queue. Connects before it queues the job, which may end at once; does not
        queue one that waits, runs or has finished; connects again if the connection breaks."""
        is_new = not self.is_queued(job_id) and not is_finished(self, job_id)
        address = f"ws{self.url.removeprefix('http')}/ws?clientId={job_id}"
        last_contact = time.monotonic()
        while True:
            try:
                with closing(websocket.create_connection(address, timeout=QUIET_SECONDS)) as socket:
                    if is_new and not self.is_queued(job_id):
                        self.queue(job_id, graph)
                    is_new = False
                    while self.is_queued(job_id):
                        last_contact = time.monotonic()
                        if not forward_messages(socket, job_id, progress):
                            break
                    return
            except (ConnectionLost, websocket.WebSocketException, OSError) as error:
                if time.monotonic() - last_contact > PATIENCE_SECONDS:
                    raise ConnectionLost(
                        f"The connection to {self.url} was lost ({error}). The job goes on there if ComfyUI still "
                        f"runs; run the same command again to follow it."
                    ) from error
                progress.say("connection lost; trying again")
                time.sleep(2)

    def outputs(self, job_id: str) -> dict | None:
        """What the nodes of a finished job made; None if the server does not know the job. Errors: Failed."""
        entry = self.get(f"/history/{job_id}").get(job_id)
        if entry is None:
            return None
        for event, data in entry["status"]["messages"]:
            if event == "execution_error":
                raise Failed(f"{data['node_type']} (node {data['node_id']}): {data['exception_message'].strip()}")
            if event == "execution_interrupted":
                raise Failed("The job was canceled. Run the same command again to go on: finished clips are kept.")
        return entry["outputs"]

    def fetch(self, file: dict, out: Path) -> None:
        """Downloads beside `out` and renames, so that a video with this name is always whole."""
        part = out.with_name(f"{out.name}.part")
        query = urllib.parse.urlencode({key: file[key] for key in ("filename", "subfolder", "type")})
        with self.open(f"/view?{query}") as reply, part.open("wb") as target:
            try:
                shutil.copyfileobj(reply, target)
            except (OSError, http.client.HTTPException) as error:
                raise ConnectionLost(f"{out} did not arrive whole ({error}). Run the same command again.") from error
            expected = int(reply.headers["Content-Length"])
        if part.stat().st_size != expected:
            raise ConnectionLost(f"{out} did not arrive whole. Run the same command again to fetch it.")
        os.replace(part, out)


class Progress:
    """Lines on stderr: the running node, every tenth of its steps, and the text it shows (clips, time left)."""

    def __init__(self, title: str, graph: Graph) -> None:
        self.title, self.graph = title, graph
        self.last = ""

    def say(self, text: str) -> None:
        if text and text != self.last:
            self.last = text
            shown = "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in text)  # not for a terminal
            sys.stderr.write(f"{self.title}: {shown}\n")

    def message(self, kind: str, data: dict) -> None:
        name = self.graph.get(str(data.get("node")), {}).get("class_type")
        if kind == "executing" and name:
            self.say(name)
        elif kind == "progress" and name:
            self.say(f"{name} {10 * (10 * data['value'] // data['max'])} %")


def forward_messages(socket: websocket.WebSocket, job_id: str, progress: Progress) -> bool:
    """Reports messages until there is none for a while (True) or the job has ended (False)."""
    while True:
        try:
            message = socket.recv()
        except websocket.WebSocketTimeoutException:
            return True
        if isinstance(message, bytes):
            kind, name_bytes = struct.unpack_from(">II", message)
            if kind == TEXT_MESSAGE:
                progress.say(html.unescape(message[8 + name_bytes :].decode(errors="replace")))  # it is for the editor
            continue
        if not message:
            raise websocket.WebSocketConnectionClosedException("closed by the server")
        event = json.loads(message)
        kind, data = event["type"], event["data"]
        if kind == "executing" and data.get("node") is None and data.get("prompt_id") == job_id:
            return False
        progress.message(kind, data)


def refusal_text(reply: dict, graph: Graph) -> str:
    """ComfyUI's reasons, one line per node."""
    error, nodes = reply.get("error") or {}, reply.get("node_errors") or {}
    lines = [f"node {name} ({graph[name]['class_type']}): {one['message']}: {one['details']}"
             for name, each in nodes.items() for one in each["errors"]]  # fmt: skip
    return "\n".join(lines or [" ".join(filter(None, (error.get("message"), error.get("details"))))])


def edited(graph: Graph, job: Job, server: Server) -> Graph:
    """The graph with the job's files and settings."""
    edits = dict(job.settings)
    for path, key in ((job.portrait, "LoadImage.image"), (job.audio, "LoadAudio.audio")):
        if path is not None:
            edits[key] = server.upload(path)
    graph = {name: {**node, "inputs": dict(node["inputs"])} for name, node in graph.items()}
    for key, value in edits.items():
        chosen, _, name = key.rpartition(".")
        nodes = [node for node_id, node in graph.items() if chosen in (node_id, node["class_type"])]
        if not nodes:
            classes = ", ".join(sorted({node["class_type"] for node in graph.values()}))
            raise BadInput(f"{key}: the graph has no node '{chosen}'. It has {classes}.")
        for node in nodes:
            known = server.inputs_of(node["class_type"])
            if known and name not in known:
                raise BadInput(f"{key}: {node['class_type']} has the inputs {', '.join(sorted(known))}.")
            node["inputs"][name] = value
    return graph


def make_video(server: Server, graph: Graph, job: Job) -> str:
    """Returns the job's id. It follows from the graph, so that the same job has the same id in every run."""
    graph = edited(graph, job, server)
    savers = [name for name, node in graph.items() if node["class_type"] == "SaveVideo"]
    if len(savers) != 1:
        raise BadInput(f"The graph has {len(savers)} SaveVideo nodes; it needs exactly one.")
    job_id = str(uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(graph, sort_keys=True)))
    progress = Progress(job.out.name, graph)
    server.run(job_id, graph, progress)
    outputs = server.outputs(job_id)
    if outputs is None:
        raise Failed(
            "ComfyUI no longer knows this job: it was restarted, or the job was removed from the queue. Run the same "
            "command again to go on: finished clips are kept."
        )
    try:
        (file,) = outputs[savers[0]]["images"]
        server.fetch(file, job.out)
    except HTTPRefusal:
        raise Failed(
            f"The video {file['filename']} is no longer on the server. To make it again, add --set "
            f"SaveVideo.filename_prefix=video/another_name."
        ) from None
    return job_id


def is_finished(server: Server, job_id: str) -> bool:
    """A failed or canceled job is not: it is queued again."""
    try:
        return server.outputs(job_id) is not None
    except Failed:
        return False


def read_json(text: str, where: str) -> dict:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise BadInput(f"{where} is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise BadInput(f"{where} is not a JSON object.")
    return value


def read_graph(path: Path) -> Graph:
    graph = read_json(path.read_text(encoding="utf-8"), str(path))
    if not all(isinstance(node, dict) and "class_type" in node for node in graph.values()):
        raise BadInput(f"{path} is not in API format. In ComfyUI, choose 'Export (API)'; ours are in workflows/api.")
    return graph


def read_jobs(arguments: argparse.Namespace) -> list[Job]:
    """All jobs, with their files checked, before the first one is sent."""
    if arguments.jobs is None:
        if arguments.out is None:
            raise BadInput("Where should the video go? Give --out, or --jobs with a list.")
        listed = [{"out": arguments.out, "portrait": arguments.portrait, "audio": arguments.audio}]
    else:
        lines = arguments.jobs.read_text(encoding="utf-8").splitlines()
        listed = [read_json(line, f"{arguments.jobs}, line {number}") for number, line in enumerate(lines, 1) if line]
    settings = dict(setting(text) for text in arguments.set)
    jobs = []
    for one in listed:
        if "out" not in one or not set(one) <= JOB_KEYS:
            raise BadInput(f"A job has 'out', and may have 'portrait', 'audio' and 'set'. Found: {json.dumps(one)}")
        portrait, audio = (Path(one[key]) if one.get(key) else None for key in ("portrait", "audio"))
        for path in filter(None, (portrait, audio)):
            if not path.is_file():
                raise BadInput(f"There is no file {path}.")
        out = Path(one["out"])
        out.parent.mkdir(parents=True, exist_ok=True)
        jobs.append(Job(out, portrait, audio, {**settings, **one.get("set", {})}))
    return jobs


def setting(text: str) -> tuple[str, object]:
    key, found, value = text.partition("=")
    if not found or "." not in key:
        raise BadInput(f"--set {text}: write NODE.input=value, for example Hallo2SampleVideo.seed=7.")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def run(arguments: argparse.Namespace) -> int:
    graph, jobs, status = read_graph(arguments.graph), read_jobs(arguments), 0
    server = Server(arguments.server)
    for job in jobs:
        result = {"out": str(job.out), "state": "present"}
        if not job.out.exists():
            try:
                result |= {"job": make_video(server, graph, job), "state": "made"}
            except (Refused, Failed, HTTPRefusal) as problem:
                result |= {"state": problem.state, "message": str(problem)}
                status = problem.status
        print(json.dumps(result), flush=True)
    return status


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graph", type=Path, metavar="GRAPH.json", help="a graph in API format")
    parser.add_argument("--server", default="http://127.0.0.1:8188", metavar="URL", help="(%(default)s)")
    parser.add_argument("--portrait", metavar="FILE", help="for the graph's LoadImage")
    parser.add_argument("--audio", metavar="FILE", help="for the graph's LoadAudio")
    parser.add_argument("--out", metavar="OUT.mp4", help="the video; never overwritten")
    parser.add_argument("--set", action="append", default=[], metavar="NODE.input=value", help="a value in the graph")
    parser.add_argument("--jobs", type=Path, metavar="FILE", help="many: lines of JSON with out, portrait, audio, set")
    try:
        return run(parser.parse_args())
    except KeyboardInterrupt:
        sys.stderr.write(
            "Stopped following; the job keeps running in ComfyUI. Run the same command again to follow it.\n"
        )
        return 130
    except (Problem, OSError) as problem:
        sys.stderr.write(f"{problem}\n")
        return problem.status if isinstance(problem, Problem) else BadInput.status


if __name__ == "__main__":
    sys.exit(main())
