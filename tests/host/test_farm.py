"""Render on a Farm: what it refuses at once, and a list made by a real cluster of this machine."""

import os
import subprocess
import tempfile
import wave
from pathlib import Path

import pytest
from farm_cluster import cluster

TABLE = "portrait,audio,out,steps,cfg\nportrait.png,short.wav,talks/anna.mp4,1,1\nportrait.png,short.wav,ben.mp4,1,1"


@pytest.fixture
def graph(shipped_graph):
    """The shipped one, with another list; node "1" makes the videos, "paths" shows where they are."""

    def made(jobs=TABLE, **inputs):
        shipped = shipped_graph("farm")
        shipped["1"]["inputs"] |= {"jobs": jobs} | inputs
        return shipped | {"paths": {"class_type": "PreviewAny", "inputs": {"source": ["1", 1]}}}

    return made


@pytest.fixture
def files(host, users_files):
    """A voice of two seconds beside the portrait, in the input folder."""
    voice = host.base / "input" / "short.wav"
    with wave.open(str(host.base / "input" / "speech.wav")) as whole, wave.open(str(voice), "wb") as part:
        part.setparams(whole.getparams())
        part.writeframes(whole.readframes(2 * whole.getframerate()))


def test_without_a_cluster_the_shipped_graph_says_what_it_needs(host, users_files, shipped_graph):
    run = host.run(shipped_graph("farm"))
    assert run.status == "error" and "Ray cluster" in run.message


def test_the_networks_of_the_demo_belong_together(host, refused, graph):
    (host.base / "models" / "vae").mkdir(exist_ok=True)
    vae = host.base / "models" / "vae" / "other.safetensors"
    vae.touch()
    try:
        with pytest.raises(refused, match="belong together"):
            host.run(graph(vae="other.safetensors"))
    finally:
        vae.unlink()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("../user/comfyui.db,short.wav,a.mp4,1,1", "is not in"),
        ("portrait.png,/etc/hostname,a.mp4,1,1", "is not in"),
        ("s3://bucket/anna.png,short.wav,a.mp4,1,1", "is not in"),
        ("portrait.png,short.wav,../a.mp4,1,1", "is not in"),
        ("nobody.png,short.wav,a.mp4,1,1", "there is no file nobody.png for 'portrait'"),
        ("portrait.png,short.wav,a.mp4,many,1", "--steps"),
    ],
)
def test_a_wrong_line_is_named_before_a_cluster_is_asked(host, files, graph, line, said):
    run = host.run(graph(f"portrait,audio,out,steps,cfg\n{line}"))
    assert run.status == "error" and run.message.startswith("The list was not started") and said in run.message
    assert "line 2: " in run.message


@pytest.fixture
def farm(checkout, farm_port):
    """A cluster that the host finds at RAY_ADDRESS."""
    pytest.importorskip("ray", reason="the extra 'farm' is not installed here")
    if subprocess.run([checkout.python, "-c", "import ray"], capture_output=True).returncode:
        pytest.skip(f"the extra 'farm' is not installed in {checkout.python}")
    with tempfile.TemporaryDirectory(prefix="ray") as folder, cluster(Path(folder), farm_port):
        yield


@pytest.mark.slow
def test_a_list_is_made_stopped_and_continued(host, files, graph, film, farm):
    videos = host.base / "output" / "hallo2_farm"

    def has_a_clip(_message):
        return bool(list(videos.glob("talks/anna.mp4.hallo2/clips-*.ts")))

    stopped = host.run(graph(), interrupt_when=has_a_clip)
    assert stopped.status == "interrupted" and not list(videos.rglob("*.mp4.part"))
    assert not (videos / "talks" / "anna.mp4").exists() and has_a_clip(None)

    run = host.run(graph())
    assert run.status == "success", run.message
    (report,) = run.outputs["1"]["text"]
    assert [line.split(",")[0] for line in report.splitlines()] == ["anna.mp4: 50 frames", "ben.mp4: 50 frames"]
    assert len(run.outputs["2"]["text"]) == 1 and len(run.outputs["4"]["images"]) == 2  # the report, a plot per video
    assert run.outputs["paths"]["text"] == [f"{videos / 'talks' / 'anna.mp4'}", f"{videos / 'ben.mp4'}"]
    assert (film(videos / "talks/anna.mp4").frames == film(videos / "ben.mp4").frames).all()
    shares = [value / maximum for _at, value, maximum in run.progress_of("1")]
    assert shares == sorted(shares) and len(shares) > 4 and shares[-1] == 1

    again = host.run(graph())
    assert again.status == "success" and not again.progress_of("1")  # the host kept the result
    os.remove(videos / "ben.mp4")
    made_again = host.run(graph())
    assert made_again.status == "success" and (videos / "ben.mp4").is_file()
    assert not host.network_attempts()
