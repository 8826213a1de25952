"""The Jobs node: its list of finished and stopped videos, and its actions on selected ones."""

import shutil

import pytest


def jobs_graph(**inputs):
    inputs = {"show": "all", "action": "list", "jobs": "", "folder": ""} | inputs
    return {"1": {"class_type": "Hallo2Jobs", "inputs": inputs}}


@pytest.fixture
def say(host):
    """Runs the node alone; gives its report."""

    def run(**inputs):
        done = host.run(jobs_graph(**inputs))
        assert done.status == "success", done.message
        (text,) = done.outputs["1"]["text"]
        return text, done.outputs["1"].get("images", [])

    return run


@pytest.fixture
def made(host, demo_graph, say):
    """A finished video of this test's own: its name, and where it is."""
    for folder in ("hallo2_jobs", "hallo2", "talks"):
        shutil.rmtree(host.base / "output" / folder, ignore_errors=True)
    run = host.run(demo_graph)
    assert run.status == "success", run.message
    (job,) = (host.base / "output" / "hallo2_jobs").iterdir()
    (video,) = (host.base / "output" / "hallo2").iterdir()
    return job.name, video


def test_a_video_is_listed_linked_moved_and_removed(host, say, made, demo_graph):
    name, video = made
    text, pictures = say()
    assert f"{name}  animation, 128x128, 25 frames a second  25 frames" in text and str(video) in text
    assert "finished" in text and text.splitlines()[-1].startswith("1 job, ") and len(pictures) == 1
    assert say(show="stopped")[0] == "0 jobs, 0.0 MB"

    linked = host.base / "output" / "talks" / video.name
    assert f"{name}: the video is also {linked}" in say(action="hard link", jobs=name, folder="talks")[0]
    assert linked.samefile(video)
    moved = host.base / "output" / "talks" / "kept" / video.name
    assert f"{name}: the video is now {moved}" in say(action="move", jobs=f"{name}, nowhere", folder="talks/kept")[0]
    assert moved.exists() and not video.exists()

    demo_graph["9"]["inputs"]["unfinished_gb"] = 49.0  # another graph for the host: it asks the node again
    again = host.run(demo_graph)
    assert again.status == "success" and not again.progress_of("9"), again.message
    text, _pictures = say(action="remove", jobs=name)
    assert f"{name}: removed. Its video stays: {moved}" in text and text.endswith("0 jobs, 0.0 MB")
    assert moved.exists() and "no such job" in say(action="remove", jobs=name)[0]


@pytest.mark.parametrize("folder", ["", "..", "../elsewhere", "/tmp", "talks/../../elsewhere"])
def test_no_place_outside_of_the_output_folder(host, made, folder):
    name, video = made
    run = host.run(jobs_graph(action="move", jobs=name, folder=folder))
    assert run.status == "error" and "not below ComfyUI's output folder" in run.message
    assert video.exists()
