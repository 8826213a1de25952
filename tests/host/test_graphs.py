"""The shipped graphs, run through the host's API."""

import math

import numpy as np
import pytest


def one_film(host, run, film):
    """The video that the graph saved."""
    assert run.status == "success", run.message
    (saved,) = host.saved_files(run, "10")
    return film(saved)


def test_the_demo_graph_runs_offline_to_a_video_with_its_sound(host, demo_graph, film):
    made = one_film(host, host.run(demo_graph), film)
    assert made.frames.shape == (25, 128, 128, 3) and made.fps == 25
    assert abs(made.sound_seconds - 1.0) < 0.05
    assert not host.network_attempts()


@pytest.mark.slow
def test_the_whole_demo_graph_runs_on_a_new_empty_host(empty_host, shipped_graph, film):
    made = one_film(empty_host, empty_host.run(shipped_graph("first_run_demo"), timeout_s=1200), film)
    assert len(made.frames) == math.ceil(191365 / 22050 * 25) and abs(made.sound_seconds - 191365 / 22050) < 0.05
    assert not empty_host.network_attempts()


def test_half_loaded_networks_give_the_same_frames(host, demo_graph, film):
    whole = one_film(host, host.run(demo_graph), film)
    demo_graph["half"] = {"class_type": "ProbeHalfLoaded", "inputs": {"model": ["2", 0]}}
    for node in ("7", "9"):
        demo_graph[node]["inputs"]["model"] = ["half", 0]
    before = host.log().count("loaded partially")
    half = one_film(host, host.run(demo_graph), film)
    assert host.log().count("loaded partially") > before
    assert np.array_equal(whole.frames, half.frames)


def test_the_seed_and_the_portrait_decide_the_frames(host, demo_graph, film):
    first = one_film(host, host.run(demo_graph), film)
    demo_graph["9"]["inputs"]["quality"] = 13  # another node input, so that the host renders again
    demo_graph["9"]["inputs"]["seed"] = 43
    assert not np.array_equal(one_film(host, host.run(demo_graph), film).frames, first.frames)


def test_cancel_ends_within_two_steps_and_leaves_no_file(host, demo_graph):
    demo_graph["9"]["inputs"]["steps"] = 60
    before = set((host.base / "output" / "hallo2").glob("*"))

    def at_the_third_step(message):
        return message["type"] == "progress" and message["data"]["value"] == 3

    run = host.run(demo_graph, interrupt_when=at_the_third_step)
    assert run.status == "interrupted"
    (pressed,) = [at for at, message in run.events if message["type"] == "cancel_pressed"]
    assert len([at for at, _value, _maximum in run.progress_of("9") if at > pressed]) <= 2
    assert set((host.base / "output" / "hallo2").glob("*")) == before


def test_progress_runs_over_the_whole_video_with_previews(host, demo_graph):
    demo_graph["9"]["inputs"] |= {"steps": 3, "seed": 7}
    run = host.run(demo_graph)
    steps = [(value, maximum) for _at, value, maximum in run.progress_of("9")]
    assert steps[-1][0] == steps[-1][1] == 2 * (3 + 1)  # two clips of three steps, and their decoding
    assert sorted(steps) == steps
    assert any(message["type"] == "binary" for _at, message in run.events)
