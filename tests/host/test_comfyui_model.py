"""ComfyUI's own nodes on a Hallo2 graph: what acts on the steps, and what is refused."""

import itertools
import json
import re
import shutil

import numpy as np
import pytest

SAMPLE, STEPS, FRAMES = "9", 6, 16
CACHING = {"reuse_threshold": 1.0, "start_percent": 0.15, "end_percent": 0.95, "verbose": False}
numbers = itertools.count()


@pytest.fixture
def graph(demo_graph):
    """One clip of the demo, lossless, with nodes that take and return a MODEL between the loader and the sampler."""
    demo_graph[SAMPLE]["inputs"] |= {"quality": 0, "steps": STEPS}

    def of(*chosen, frames=FRAMES):
        demo_graph["trim"]["inputs"]["duration"] = frames / 25
        demo_graph["to"] = {"class_type": "Hallo2ModelToComfyUI", "inputs": {"model": ["2", 0]}}
        model = ["to", 0]
        for number, (name, inputs) in enumerate(chosen):
            demo_graph[f"node{number}"] = {"class_type": name, "inputs": {"model": model, **inputs}}
            model = [f"node{number}", 0]
        demo_graph["from"] = {"class_type": "Hallo2ModelFromComfyUI", "inputs": {"comfyui_model": model}}
        demo_graph[SAMPLE]["inputs"]["model"] = ["from", 0]
        return demo_graph

    return of


@pytest.fixture
def frames_of(host, film):
    def frames(graph):
        run = host.run(graph)
        assert run.status == "success", run.message
        return film(host.saved_files(run, "10")[0]).frames.astype(int)

    return frames


@pytest.fixture
def plain(frames_of, graph):
    """Without these nodes. Rendered once: then the job is found finished."""
    full = graph()
    full[SAMPLE]["inputs"]["model"] = ["2", 0]
    return frames_of(full)


def calls(host):
    """Of the probes."""
    run = host.run({"1": {"class_type": "ProbeCalls", "inputs": {"number": next(numbers)}}})
    return json.loads(run.outputs["1"]["text"][0])


def test_wrappers_are_called_where_the_host_would_call_them(host, graph, plain, frames_of):
    """Those that do nothing change nothing, except by rounding where the host expects denoised latents."""
    frames = frames_of(graph(("ProbeWrappers", {"only": "all"})))
    found = calls(host)
    assert found["called"] == {
        "outer_sample": 1,
        **dict.fromkeys(("predict_noise", "calc_cond_batch", "apply_model", "diffusion_model"), STEPS),
    }
    difference = np.abs(frames - plain)
    assert difference.max() <= 4 and difference.mean() < 0.02
    side = 128 // 8
    of_clip, of_pass = [FRAMES, 4, side, side], [2 * FRAMES, 4, side, side]
    assert {kind: one["out"][1:] for kind, one in found["seen"].items()} == {
        "outer_sample": of_clip,
        "predict_noise": of_clip,
        "calc_cond_batch": of_clip,
        "apply_model": of_pass,
        "diffusion_model": of_pass,
    }
    owners = {kind: one["owner"] for kind, one in found["seen"].items()}
    assert owners["outer_sample"] == owners["predict_noise"] == "Guider" and owners["apply_model"] == "UNetModel"
    assert owners["diffusion_model"] == "DenoisingUNet" and found["seen"]["diffusion_model"]["rows"] == [1, 0]


def test_wrappers_that_see_the_unets_own_numbers_change_no_bit(graph, plain, frames_of):
    nodes = [("ProbeWrappers", {"only": kind}) for kind in ("outer_sample", "diffusion_model")]
    assert np.array_equal(frames_of(graph(*nodes)), plain)


@pytest.mark.parametrize("name", ["EasyCache", "LazyCache"])
def test_a_cache_skips_steps(host, graph, plain, frames_of, name):
    before = len(host.log())
    frames = frames_of(graph((name, CACHING)))
    (skipped,) = re.findall(rf"{name} - skipped (\d+)/{STEPS} steps", host.log()[before:])
    assert 0 < int(skipped) < STEPS
    assert not np.array_equal(frames, plain)


def test_an_attention_override_acts_with_its_settings(host, graph, plain, frames_of):
    weak = frames_of(graph(("ProbeAttentionOverride", {"strength": 1.0})))
    attended = calls(host)["called"]["attention"]
    strong = frames_of(graph(("ProbeAttentionOverride", {"strength": 1.2})))
    assert attended == calls(host)["called"]["attention"] > 10 * STEPS
    assert np.array_equal(weak, plain) and not np.array_equal(strong, plain)


@pytest.mark.slow
def test_torch_compile_makes_one_graph_of_the_unet(host, graph, plain, frames_of):
    """Of the two backends, the one that needs no compiler on this machine."""
    before = calls(host)["compiled"]
    frames = frames_of(graph(("TorchCompileModel", {"backend": "cudagraphs"})))
    assert calls(host)["compiled"] == before + 1
    difference = np.abs(frames - plain)
    assert difference.max() <= 4 and difference.mean() < 0.02


def test_without_a_node_in_between_the_frames_are_the_same(host, graph, plain, frames_of):
    shutil.rmtree(host.base / "output" / "hallo2_jobs")  # or the finished video would come back at once
    assert np.array_equal(frames_of(graph()), plain)


def test_a_stopped_video_with_a_cache_continues_with_the_same_frames(host, graph, frames_of, film):
    full = graph(("EasyCache", CACHING), frames=2 * FRAMES)
    whole = frames_of(full)
    for folder in ("hallo2_jobs", "hallo2"):
        shutil.rmtree(host.base / "output" / folder)
    stopped = host.run(
        full, interrupt_when=lambda message: message["type"] == "progress" and message["data"]["value"] >= STEPS + 3
    )
    assert stopped.status == "interrupted"
    run = host.run(full)
    assert min(value for _at, value, _maximum in run.progress_of(SAMPLE)) > STEPS
    assert np.array_equal(film(host.saved_files(run, "10")[0]).frames, whole)


REFUSED = {
    "ModelSamplingDiscrete": ({"sampling": "v_prediction", "zsnr": True}, "model_sampling (Hallo2's noise schedule"),
    "RescaleCFG": ({"multiplier": 0.7}, "sampler_cfg_function (guidance is part of Hallo2's own steps"),
    "HyperTile": (
        {"tile_size": 256, "swap_size": 2, "max_depth": 0, "scale_depth": False},
        "patches of attn1_patch (it is made for another network)",
    ),
    "ProbeSamplerWrapper": ({}, "a wrapper of sampler_sample (Hallo2 samples with its own steps)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_act_is_refused_by_name(host, graph, name):
    inputs, message = REFUSED[name]
    run = host.run(graph((name, inputs)))
    assert run.status == "error" and not run.progress_of(SAMPLE)
    assert message in run.message and "Remove them" in run.message


def test_the_hosts_own_sampler_is_refused(host, graph):
    full = graph()
    full["latent"] = {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}}
    full["clip"] = {"class_type": "ProbeClip", "inputs": {"kind": "sd1"}}
    full["text"] = {"class_type": "CLIPTextEncode", "inputs": {"clip": ["clip", 0], "text": ""}}
    full["sampler"] = {
        "class_type": "KSampler",
        "inputs": {
            "model": ["to", 0], "positive": ["text", 0], "negative": ["text", 0], "latent_image": ["latent", 0],
            "seed": 1, "steps": 1, "cfg": 1.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0,
        },
    }  # fmt: skip
    full["saved"] = {"class_type": "SaveLatent", "inputs": {"samples": ["sampler", 0], "filename_prefix": "none"}}
    del full["10"]
    run = host.run(full)
    assert run.status == "error" and "cannot sample a Hallo2 model" in run.message


def test_guidance_by_a_node_is_refused_at_the_first_step(host, graph):
    if "CFGOverride" not in host.nodes():
        pytest.skip("this host has no node that sets guidance")
    run = host.run(graph(("CFGOverride", {"cfg": 2.0, "start_percent": 0.0, "end_percent": 1.0})))
    assert run.status == "error" and "sets cfg to 2.0" in run.message and "'Weight Timeline (Hallo2)'" in run.message


def test_what_replaces_the_unet_comes_before(host, graph):
    full = graph(("ProbeWrappers", {"only": "outer_sample"}))
    full["again"] = {"class_type": "Hallo2ModelToComfyUI", "inputs": {"model": ["from", 0]}}
    full["back"] = {"class_type": "Hallo2ModelFromComfyUI", "inputs": {"comfyui_model": ["again", 0]}}
    full[SAMPLE]["inputs"]["model"] = ["back", 0]
    run = host.run(full)
    assert run.status == "error" and "Connect this node before 'Model to ComfyUI (Hallo2)'" in run.message
