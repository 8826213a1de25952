"""api/client.py on the real host, with the demo model: ten frames, one step."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import wave
from contextlib import suppress

import pytest
from PIL import Image

FRAMES, RATE_HZ = 10, 16_000


@pytest.fixture
def files(pack, tmp_path):
    """A folder with a graph, a portrait, a picture without a face, and 0.4 s of the example voice."""
    graph = json.loads((pack / "workflows" / "api" / "animate_portrait.json").read_text(encoding="utf-8"))
    del graph["20:12"], graph["20:7"]["inputs"]["vae"], graph["20:9"]["inputs"]["vae"]  # the demo has its own
    for loader, name in (("20:2", "file"), ("20:3", "file")):
        graph[loader]["inputs"][name] = "demo"
    graph["20:6"]["inputs"] |= {"width": 64, "height": 64}
    graph["20:9"]["inputs"]["steps"] = 1
    (tmp_path / "graph.json").write_text(json.dumps(graph), encoding="utf-8")
    shutil.copy(pack / "hallo2_core" / "examples" / "portrait.png", tmp_path / "portrait.png")
    Image.new("RGB", (64, 64), "gray").save(tmp_path / "gray.png")
    with wave.open(str(pack / "hallo2_core" / "examples" / "voice.wav")) as voice:
        parameters, samples = voice.getparams(), voice.readframes(int(voice.getframerate() * FRAMES / 25))
    with wave.open(str(tmp_path / "voice.wav"), "wb") as short:
        short.setparams(parameters)
        short.writeframes(samples)
    return tmp_path


@pytest.fixture
def client(host, pack, files):
    """Runs the client in that folder; gives its exit status, the objects on stdout and the text on stderr."""

    def run(*options, url=host.url):
        command = [sys.executable, str(pack / "api" / "client.py"), "graph.json", "--server", url, *options]
        environment = os.environ | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        done = subprocess.run(command, cwd=files, env=environment, capture_output=True, text=True, timeout=300)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    return run


def test_many_jobs_in_turn_and_again(host, client, files, film):
    inputs = {"portrait": "portrait.png", "audio": "voice.wav"}
    jobs = [
        {"out": "talking.mp4", **inputs},
        {"out": "too_few_steps.mp4", **inputs, "set": {"Hallo2SampleVideo.steps": 0}},
        {"out": "no_face.mp4", **inputs, "portrait": "gray.png"},
        {"out": "seven.mp4", **inputs, "set": {"20:9.seed": 7}},
    ]
    (files / "jobs.jsonl").write_text("\n".join(map(json.dumps, jobs)), encoding="utf-8")
    status, results, progress = client("--jobs", "jobs.jsonl")
    assert status == 1, progress
    assert [result["state"] for result in results] == ["made", "refused", "failed", "made"], results
    assert "node 20:9 (Hallo2SampleVideo)" in results[1]["message"] and "steps" in results[1]["message"]
    assert results[2]["message"].startswith("Hallo2PreparePortrait (node 20:6): No face was found")
    assert "talking.mp4: Looking for the face" in progress  # the node's text
    assert "talking.mp4: Hallo2SampleVideo 100 %" in progress and "10 frames in 1 clip" in progress
    made = [(files / name).read_bytes() for name in ("talking.mp4", "seven.mp4")]
    assert made[0] != made[1] and len(film(files / "talking.mp4").frames) == FRAMES

    (files / "talking.mp4").unlink()  # as if the client had been stopped before it fetched the video
    asked = host.log().count("got prompt")
    status, results, _ = client("--jobs", "jobs.jsonl", "--set", "20:9.lip_weight=1.0")
    assert [result["state"] for result in results] == ["made", "refused", "failed", "present"]
    assert (files / "talking.mp4").read_bytes() == made[0]
    assert host.log().count("got prompt") == asked + 2  # the two that failed; the first one was only fetched


def test_mistakes_in_the_settings_are_named_before_the_graph_is_queued(client):
    status, _, error = client("--out", "a.mp4", "--set", "Hallo2SampleVideo.sed=7")
    assert status == 2 and "Hallo2SampleVideo.sed: Hallo2SampleVideo has the inputs acceleration, bit_depth" in error
    status, _, error = client("--out", "a.mp4", "--set", "KSampler.seed=7")
    assert status == 2 and "the graph has no node 'KSampler'. It has Hallo2EncodeSpeech" in error


def test_a_broken_connection_is_made_again(host, client, files, film):
    with BreakingProxy(host.url) as url:
        status, results, progress = client("--portrait", "portrait.png", "--audio", "voice.wav", "--out", "a.mp4",
                                           "--set", "20:9.seed=8", url=url)  # fmt: skip
    assert status == 0 and results[0]["state"] == "made", (results, progress)
    assert "connection lost; trying again" in progress and len(film(files / "a.mp4").frames) == FRAMES


class BreakingProxy:
    """Passes connections on to the host, but ends the first websocket after its first message. Gives its own URL."""

    def __init__(self, url):
        self.address = ("127.0.0.1", int(url.rsplit(":", 1)[1]))
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.broken = threading.Event()

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return f"http://127.0.0.1:{self.listening.getsockname()[1]}"

    def __exit__(self, *exception):
        self.listening.close()

    def accept(self):
        while True:
            try:
                near, _ = self.listening.accept()
            except OSError:
                return
            far = socket.create_connection(self.address)
            request = near.recv(65536)
            far.sendall(request)
            breaks = request.startswith(b"GET /ws") and not self.broken.is_set()
            if breaks:
                self.broken.set()
            threading.Thread(target=self.copy, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self.copy, args=(far, near, breaks), daemon=True).start()

    @staticmethod
    def copy(source, target, breaks):
        """breaks: stop after the handshake's answer and the first message."""
        passed = 0
        with suppress(OSError):  # the other direction has ended the connection
            while received := source.recv(65536):
                target.sendall(received)
                passed += 1
                if breaks and passed == 2:
                    source.shutdown(socket.SHUT_RDWR)
                    break
            target.shutdown(socket.SHUT_RDWR if breaks else socket.SHUT_WR)
