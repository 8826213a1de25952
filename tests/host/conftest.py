"""The real hosts, found by COMFYUI_PATH (default ~/ComfyUI) and COMFYUI_NEW_PATH (default ~/ComfyUI-new).

Where one is missing its tests are skipped and say why; REQUIRE_COMFYUI=1 turns that into a failure.
COMFYUI_NEW_FRONT_END is the folder of another front-end for the newer host.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import farm_cluster
import numpy as np
import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
HOSTS = {
    "v0.3.64": ("COMFYUI_PATH", "~/ComfyUI", "COMFYUI_PYTHON"),
    "v0.33.0": ("COMFYUI_NEW_PATH", "~/ComfyUI-new", "COMFYUI_NEW_PYTHON"),
}


def _harness():
    spec = importlib.util.spec_from_file_location("hallo2_tests_comfyui", HERE / "comfyui.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


comfyui = _harness()


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in Path(item.path).parents:
            item.add_marker(pytest.mark.host)


@pytest.fixture(scope="session")
def pack():
    return ROOT


@pytest.fixture(scope="session")
def refused():
    return comfyui.Refused


@pytest.fixture(scope="session", params=HOSTS)
def checkout(request):
    variable, default, python_variable = HOSTS[request.param]
    try:
        found = comfyui.Checkout.find(os.environ.get(variable, default), os.environ.get(python_variable))
    except comfyui.NoHost as why:
        unavailable(f"no ComfyUI {request.param}: {why} (set {variable} and, where need be, {python_variable})")
    return found


def unavailable(reason):
    """Skip, and say why; fail where the hosts are required."""
    if os.environ.get("REQUIRE_COMFYUI") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def farm_port():
    """Of the Ray cluster that hosts find in their environment; it runs only while a test has started it."""
    port = farm_cluster.free_port()
    os.environ.update(farm_cluster.ENVIRONMENT, RAY_ADDRESS=f"127.0.0.1:{port}")
    return port


@pytest.fixture(scope="session")
def host(checkout, farm_port):
    """One host for all tests of a version: the pack, the tests' own probes, and a second place for models."""
    starting = comfyui.ComfyUI(checkout, [ROOT, HERE / "probes"])
    paths = starting.base / "extra_model_paths.yaml"
    paths.write_text(f"tests:\n  base_path: {starting.base}\n  hallo2: shared\n", encoding="utf-8")
    starting.host_args = ("--extra-model-paths-config", str(paths), *_other_front_end(checkout))
    with starting as running:
        yield running


def _other_front_end(checkout):
    folder = os.environ.get("COMFYUI_NEW_FRONT_END")
    return ("--front-end-root", folder) if folder and checkout.version != "0.3.64" else ()


@pytest.fixture(autouse=True)
def no_weights_left_behind(request):
    """A test that leaves model files in the shared host fails here, not a later one that finds them."""
    if "host" not in request.fixturenames:
        yield
        return
    host = request.getfixturevalue("host")
    before = _model_files(host)
    yield
    assert _model_files(host) == before


def _model_files(host):
    return {path for name in ("models", "shared") for path in (host.base / name).rglob("*") if path.is_file()}


@pytest.fixture
def empty_host(checkout):
    """A new host with nothing but the pack, as after a first installation."""
    with comfyui.ComfyUI(checkout, [ROOT]) as running:
        yield running


@pytest.fixture
def another_host(checkout):
    """Starts a host of the same version on a copy of an output folder: with other arguments, packs, a changed pack."""

    @contextmanager
    def start(output, *host_args, pack=ROOT, packs=()):
        with comfyui.ComfyUI(checkout, [pack, *packs], host_args) as running:
            shutil.copytree(output, running.base / "output", dirs_exist_ok=True)
            yield running

    return start


def _graph(name):
    return json.loads((ROOT / "workflows" / "api" / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture
def demo_graph():
    return short_demo()


@pytest.fixture(scope="session")
def demo_run(watched_demo):
    """One run of the short demo graph on each host, for all who want to look at it."""
    run, _seen = watched_demo
    return run


@pytest.fixture(scope="session")
def watched_demo(host, audit):
    """The run, and what the audit hook objects to meanwhile."""
    graph = short_demo()
    graph["6"]["inputs"]["face_expand"] = 1.25  # a portrait of its own: what the host keeps it does not say again
    audit("begin")
    return host.run(graph), audit("end")


@pytest.fixture(scope="session")
def audit(host):
    """What the hook of probes/audit.py has seen, after it was told to begin or end."""

    def tell(do):
        run = host.run({"1": {"class_type": "ProbeAudit", "inputs": {"do": do}}})
        return [tuple(entry) for entry in json.loads(run.outputs["1"]["text"][0])]

    return tell


def short_demo():
    """The shipped first_run_demo, cut to a second of sound and one guided step of the full model: without prompts,
    upscaler and few-step LoRA.

    Node "9" samples, "10" saves.
    """
    graph = _graph("first_run_demo")
    for left_out in ("21", "22", "23", "24", "25"):
        del graph[left_out]
    del graph["9"]["inputs"]["text"]
    for node in ("7", "9"):
        graph[node]["inputs"]["model"] = ["2", 0]
    graph["10"]["inputs"]["video"] = ["9", 0]
    graph["trim"] = {"class_type": "TrimAudioDuration", "inputs": {"audio": ["1", 1], "start_index": 0, "duration": 1}}
    graph["5"]["inputs"]["audio"] = ["trim", 0]
    graph["9"]["inputs"] |= {"steps": 1, "cfg": 1.5}
    return graph


@pytest.fixture
def shipped_graph():
    return _graph


USERS_FILES = {  # where the shipped graphs look for it → what stands in for it
    "portrait.png": ROOT / "hallo2_core/examples/portrait.png",
    "speech.wav": ROOT / "hallo2_core/examples/voice.wav",
    "photograph.png": ROOT / "tests/media/portrait_wide.png",
}


@pytest.fixture(scope="session")
def users_files(host):
    """The pictures and voices that a user would upload for the shipped graphs."""
    for name, source in USERS_FILES.items():
        host.add_input(source, name)


@pytest.fixture(scope="session")
def in_browser(host):
    """Runs one of the scripts beside this file in a Python that has playwright; gives the object that it prints."""
    python = os.path.expanduser(os.environ.get("UI_PYTHON", "~/ui-venv/bin/python"))
    if not shutil.which(python) or subprocess.run([python, "-c", "import playwright"], capture_output=True).returncode:
        unavailable(f"no browser to open the editor in: {python} has no playwright (set UI_PYTHON to one that has)")

    def run(script, *options):
        command = [python, str(HERE / script), host.url, *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=850)
        assert done.returncode == 0, done.stderr[-4000:]
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="session")
def editor(in_browser):
    """What the editor shows of workflow files, by name; see editor.py."""

    def look(workflows, *options):
        return in_browser("editor.py", *map(str, workflows), *options)

    return look


@dataclass
class Film:
    """What a video file holds, as another reader than ours sees it."""

    frames: np.ndarray  # (f h w 3) uint8
    fps: float
    sound_seconds: float
    sound_rate_hz: int


@pytest.fixture(scope="session")
def film():
    def read(path):
        with av.open(str(path)) as container:
            frames = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
            fps = float(container.streams.video[0].average_rate)
        with av.open(str(path)) as container:
            stream = container.streams.audio[0]
            samples = sum(frame.samples for frame in container.decode(audio=0))
            return Film(frames, fps, samples / stream.rate, stream.rate)

    return read
