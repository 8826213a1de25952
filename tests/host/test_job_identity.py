"""Two runs of one graph in different hosts: a finished video is found again, an unfinished one is not mixed."""

import json
import re
import shutil

import pytest

STEPS, FRAMES = 6, 25
PACK_FILES = ("__init__.py", "pyproject.toml", "nodes", "hallo2_core", "js", "workflows")


@pytest.fixture
def graph(demo_graph):
    """seed: makes it a job of its own."""

    def of(seed):
        demo_graph["9"]["inputs"] |= {"steps": STEPS, "seed": seed}
        return demo_graph

    return of


def jobs(host):
    return host.base / "output" / "hallo2_jobs"


def videos(host):
    return sorted((host.base / "output" / "hallo2").glob("*.mp4"))


def after_the_first_clip(message):
    return message["type"] == "progress" and message["data"]["value"] >= STEPS + 3


@pytest.fixture
def one_finished_one_stopped(host, graph):
    """Seed 1 is finished, seed 2 has its first clip."""
    for folder in ("hallo2_jobs", "hallo2"):
        shutil.rmtree(host.base / "output" / folder, ignore_errors=True)
    graph(1)["6"]["inputs"]["face_expand"] = 1.4  # nothing of an earlier test is reused by the host
    run = host.run(graph(1))
    assert run.status == "success", run.message
    stopped = host.run(graph(2), interrupt_when=after_the_first_clip)
    assert stopped.status == "interrupted", stopped.message
    assert len(list(jobs(host).iterdir())) == 2 and len(videos(host)) == 1
    return host.base / "output"


def check_both(other, graph, changes):
    """The finished one is returned at once. The other starts over beside the stopped job, and reports what differs."""
    graph(1)["6"]["inputs"]["face_expand"] = 1.4
    before = videos(other)
    found = other.run(graph(1))
    assert found.status == "success", found.message
    assert videos(other) == before and not found.progress_of("9")
    said = other.log()
    assert "This video was already finished, from the same inputs but computed differently" in said

    kept = {path: path.read_bytes() for path in jobs(other).glob("*/clips-*.ts")}
    again = other.run(graph(2))
    assert again.status == "success", again.message
    assert len(videos(other)) == 2 and min(value for _at, value, _maximum in again.progress_of("9")) == 1
    assert kept and {path: path.read_bytes() for path in jobs(other).glob("*/clips-*.ts")} == kept
    said = re.findall(r"16 frames of this video are finished.*computed differently \((.*?)\)\. New clips", other.log())
    (note,) = set(said)
    assert all(re.search(change, note) for change in changes), note
    assert len(note.split("; ")) == len(changes), note
    (new,) = jobs(other).glob("*-2")
    (made,) = set(videos(other)) - set(before)
    assert json.loads((new / "journal.json").read_text())["video"].endswith(made.name)


def test_another_attention(one_finished_one_stopped, another_host, graph):
    with another_host(one_finished_one_stopped, "--use-split-cross-attention") as other:
        check_both(other, graph, [r"ComfyUI's attention attention_(?!split)\w+ → attention_split"])


def test_another_torch_and_a_changed_checkout(one_finished_one_stopped, another_host, graph, pack, tmp_path):
    newer = tmp_path / "newer_torch"
    newer.mkdir()
    (newer / "__init__.py").write_text("import torch\ntorch.__version__ = '99.0.0'\nNODE_CLASS_MAPPINGS = {}\n")
    changed = tmp_path / "ComfyUI-Hallo2"
    changed.mkdir()
    for name in PACK_FILES:
        copy = shutil.copytree if (pack / name).is_dir() else shutil.copy2
        copy(pack / name, changed / name)
    arithmetic = changed / "hallo2_core" / "arithmetic.py"
    text = arithmetic.read_text(encoding="utf-8")
    arithmetic.write_text(re.sub(r"(ANIMATION_ARITHMETIC = )\d+", r"\g<1>999", text), encoding="utf-8")
    with another_host(one_finished_one_stopped, pack=changed, packs=[newer]) as other:
        check_both(other, graph, [r"torch [\d.]+\S* → 99\.0\.0", r"ARITHMETIC \d+ → 999"])


def test_where_nothing_differs_it_goes_on(one_finished_one_stopped, another_host, graph):
    with another_host(one_finished_one_stopped) as other:
        graph(2)["6"]["inputs"]["face_expand"] = 1.4
        again = other.run(graph(2))
        assert again.status == "success", again.message
        assert min(value for _at, value, _maximum in again.progress_of("9")) == STEPS + 2
        assert "another arithmetic" not in other.log() and len(list(jobs(other).iterdir())) == 2


def test_a_deleted_video_is_made_again_and_a_repeat_stays_cached(host, graph):
    for folder in ("hallo2_jobs", "hallo2"):
        shutil.rmtree(host.base / "output" / folder, ignore_errors=True)
    run = host.run(graph(3))
    assert run.status == "success", run.message
    (video,) = videos(host)

    def executed(run):
        return {message["data"]["node"] for _at, message in run.events if message["type"] == "executing"} - {None}

    assert not executed(host.run(graph(3)))  # cached
    video.unlink()
    again = host.run(graph(3))
    assert again.status == "success", again.message
    assert len(videos(host)) == 1 and again.progress_of("9")
    (saved,) = host.saved_files(again, "10")
    assert saved.stat().st_size and not executed(host.run(graph(3)))
