"""The host's memory manager and our networks, on GPUs with little memory."""

import json
import sys
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

FRAMES, WIDTH, HEIGHT = 3, 320, 192


@pytest.fixture(scope="module")
def clip(tmp_path_factory, pack):
    path = tmp_path_factory.mktemp("clip") / "wide.mp4"
    picture = Image.open(pack / "tests" / "media" / "two_faces.png").convert("RGB").resize((WIDTH, HEIGHT))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25), options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for _ in range(FRAMES):
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def upscale(host, shipped_graph, clip):
    """Runs a graph that upscales the clip with an upscale model; node "6" makes the model, others may use it too."""
    host.add_input(clip)

    def run(model, inputs, others=None):
        graph = shipped_graph("upscale_video") | (others or {})
        graph["1"]["inputs"]["file"] = clip.name
        graph["6"] = {"class_type": model, "inputs": inputs}
        graph["4"]["inputs"] |= {"upscale_model": ["6", 0], "quality": 0}  # lossless
        return host.run(graph)

    return run


def said(run):
    assert run.status == "success", run.message
    return json.loads(run.outputs["7"]["text"][0])


def probe(node, **inputs):
    return {"7": {"class_type": node, "inputs": inputs}}


def frames(path):
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def test_an_upscale_model_that_was_used_stays_the_hosts_to_unload(host, upscale):
    others, started = probe("ProbeLoadedUpscaleModel", upscale_model=["6", 0]), len(host.log())
    first = upscale("ProbeCompactModel", {})
    assert first.status == "success", first.message
    found = said(upscale("ProbeCompactModel", {}, others))
    assert found == {"collections": 0, "dead": 0, "loaded": True, "unloaded": True}
    assert "memory leak" not in host.log()[started:]


def test_out_of_memory_in_the_upscale_model_halves_its_tiles_and_gives_the_same_frames(host, upscale):
    whole = upscale("ProbeUpscaleModel", {})
    assert whole.status == "success", whole.message
    halved = upscale("ProbeSmallCardModel", {"largest_tile_px": 256})
    assert halved.status == "success", halved.message
    assert host.log().count("the upscale model continues with tiles of 256x256 px instead of 512x512") == 1
    whole, halved = (frames(host.saved_files(run, "5")[0]).astype(int) for run in (whole, halved))
    difference = np.abs(whole - halved)  # a float that rounds otherwise is a step of luma and one of chroma
    assert difference.max() <= 4 and difference.mean() < 0.01


def test_a_card_that_cannot_hold_the_smallest_tile_is_an_error_that_says_so(upscale):
    run = upscale("ProbeSmallCardModel", {"largest_tile_px": 64})
    assert run.status == "error"
    assert "ran out of memory even with tiles of 128x128 px (Allocation on device)" in run.message


def test_out_of_memory_is_recognized_and_what_is_loaded_can_be_freed(host):
    assert said(host.run(probe("ProbeOutOfMemory"))) == {
        "the host's own": True,
        "asynchronous": True,
        "cancelled": False,
        "another": False,
        "loaded": True,
        "freed": False,
        "loaded again": True,
    }


def test_the_manager_is_asked_for_what_the_upscale_model_needs(host):
    found = said(host.run(probe("ProbeUpscaleModelOnCard")))
    assert found["asked"] == [[512 * 512 * 3 * 4 * 2 * 384 + 200 * 100 * 4 * 4, True]]
    assert found["drawn_on"] == "meta" and found["keeps_its_patcher"]


def test_where_weights_are_streamed_ours_are_too_and_nothing_of_others_is_unloaded(host):
    if host.checkout.version == "0.3.64":
        pytest.skip("this host has one kind of patcher")
    found = said(host.run(probe("ProbeDynamic")))
    assert found["dynamic"] and found["others_stay"] and found["loaded"] == found["networks"]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what is mapped")
def test_weights_are_not_mapped_where_the_host_maps_none(host):
    assert said(host.run(probe("ProbeMappedFiles"))) == {
        "net.safetensors False": True,
        "net.pth False": True,
        "net.safetensors True": False,
        "net.pth True": False,
    }
