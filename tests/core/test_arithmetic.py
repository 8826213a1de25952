"""The frames of seeded networks are those of the arithmetic that the code says it has.

Frames are kept for each number in `data/arithmetic`, averaged over squares of four pixels, and compared with a
tolerance that lies far above what CPUs and versions of torch differ by. Where this fails, a change moved the frames.
If that was meant, raise the pipeline's number in `hallo2_core/arithmetic.py` and keep the new frames with

    UPDATE_ARITHMETIC=1 pytest tests/core/test_arithmetic.py

which never writes over frames that are kept: a number stands for one arithmetic for good.
"""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from einops import reduce
from safetensors.torch import load_file, save_file
from seeded_models import SeededTextEncoder, seeded_text_adapter, seeded_upscaler
from seeded_render import PORTRAIT, VOICE, seeded_render

from hallo2_core.animation.animate import animate
from hallo2_core.animation.motion_settings import ClipConfig, MotionSettings, PatchDropConfig
from hallo2_core.arithmetic import ANIMATION_ARITHMETIC, UPSCALING_ARITHMETIC, torch_arithmetic
from hallo2_core.audio.sound_file import FileAudio
from hallo2_core.audio.waveform import TensorAudio
from hallo2_core.portrait.face_analysis import built_in_face_analysis
from hallo2_core.portrait.picture import load_picture
from hallo2_core.runtime import LocalRuntime
from hallo2_core.timeline.prompts import encode_prompts
from hallo2_core.timeline.transitions import Transition
from hallo2_core.timeline.weights import parse_weights
from hallo2_core.upscaling.background import resample
from hallo2_core.upscaling.settings import UpscaleSettings
from hallo2_core.upscaling.upscale import upscale_frames

KEPT = Path(__file__).parent / "data" / "arithmetic"
TOLERANCE = 1e-3  # on averages of 4×4 pixels, 0..1


def animated():
    """Two short clips, guided, with motion frames dropped and noisy, a prompt, and weights over time."""
    voice = FileAudio(VOICE)
    sound = TensorAudio(voice.read(0, 6 * voice.rate_hz // 25), voice.rate_hz)
    render = seeded_render(sound)
    models = replace(render.inputs.models, text_adapter=seeded_text_adapter(render.inputs.models.config.unet))
    inputs = replace(
        render.inputs,
        models=models,
        motion=MotionSettings(ClipConfig(frames=3), PatchDropConfig(noise_sigma=0.1)),
        sampler=replace(render.inputs.sampler, guidance=3.5),
        text=encode_prompts("0-0.1 smiling", SeededTextEncoder(), Transition()),
        weights=parse_weights("lip 1.5 @ 0-0.1; cfg 2 @ 0.1-", Transition()),
    )
    clips = animate(inputs, render.speech, render.codec, LocalRuntime())
    return torch.cat([clip.frames.whole() for clip in clips])[::2]


def upscaled():
    """A face that moves by a pixel a frame, in windows that overlap."""
    picture = load_picture(PORTRAIT)
    square = picture[: min(picture.shape[:2]), : min(picture.shape[:2])]
    small = resample(square, 100, 100)
    frames = (small[:96, shift : shift + 96] for shift in range(5))
    settings = UpscaleSettings(128, 128, window_frames=4, overlap_frames=2, missed_frames=1, detect_every_frames=2)
    made = upscale_frames(frames, seeded_upscaler(), built_in_face_analysis(), settings, LocalRuntime())
    return torch.stack(list(made))[::2]


@pytest.mark.parametrize(
    ("pipeline", "number", "make"),
    [("animation", ANIMATION_ARITHMETIC, animated), ("upscaling", UPSCALING_ARITHMETIC, upscaled)],
    ids=["animation", "upscaling"],
)
def test_the_frames_are_those_of_this_arithmetic(pipeline, number, make):
    path = KEPT / f"{pipeline}-{number}.safetensors"
    frames = reduce(make(), "f (h 4) (w 4) c -> f h w c", "mean").contiguous()
    if os.environ.get("UPDATE_ARITHMETIC") == "1" and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({"frames": frames}, path)
    assert path.exists(), f"no frames are kept for {pipeline} arithmetic {number}: see the head of this file"
    kept = load_file(path)["frames"]
    assert frames.shape == kept.shape
    apart = float((frames - kept).abs().max())
    assert apart <= TOLERANCE, f"the frames of {pipeline} moved by {apart:.2g}: see the head of this file"


def test_torch_is_asked_for_what_it_computes_with(monkeypatch):
    said = torch_arithmetic(torch.device("cpu"))
    assert said["torch"] == torch.__version__ and said["device"].startswith("cpu ") and said["deterministic"] == "off"
    monkeypatch.setattr(torch, "are_deterministic_algorithms_enabled", lambda: True)
    assert torch_arithmetic(torch.device("cpu"))["deterministic"] == "on"


@pytest.mark.parametrize(
    ("owner", "switch", "value", "entry"),
    [
        (torch.backends.cudnn, "benchmark", True, "cuDNN benchmark"),
        (torch.backends.cuda.matmul, "allow_bf16_reduced_precision_reduction", False, "bf16 reduction"),
        (torch.backends.cuda.matmul, "allow_fp16_reduced_precision_reduction", False, "fp16 reduction"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_switches_of_a_card_are_entries(monkeypatch, owner, switch, value, entry):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "A card")
    card = torch.device("cuda")
    before = torch_arithmetic(card)
    assert before["device"] == "cuda A card"
    was = getattr(owner, switch)
    setattr(owner, switch, value)  # torch's own properties, which monkeypatch would delete afterwards
    try:
        now = torch_arithmetic(card)
    finally:
        setattr(owner, switch, was)
    assert {name for name in now if now[name] != before[name]} == {entry}


def test_switches_that_are_set_to_their_defaults_change_nothing():
    """As the self-test does, which shares its process with renders."""
    code = (
        "import torch; from hallo2_core.arithmetic import torch_arithmetic; cpu = torch.device('cpu')\n"
        "before = torch_arithmetic(cpu)\n"
        "for backend in (torch.backends.cuda.matmul, torch.backends.cudnn):\n"
        "    allowed = backend.allow_tf32; backend.allow_tf32 = False; backend.allow_tf32 = allowed\n"
        "assert torch_arithmetic(cpu) == before, (before, torch_arithmetic(cpu))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
