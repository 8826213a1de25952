"""All sections of the report, in the order they run: what matters most comes before the time is up."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import torch
from torch.utils.flop_counter import FlopCounterMode

from hallo2_core.animation.acceleration import PRESETS
from hallo2_core.checkpoints.seeded import fill_with_seeded_weights
from hallo2_core.config import LATENT_CHANNELS, Hallo2Config, UpscalerConfig, VAEConfig
from hallo2_core.models.layers import Build
from hallo2_core.models.vae import AutoencoderKL
from hallo2_core.selftest.case import Settings, shipped_goldens
from hallo2_core.selftest.report import summary
from hallo2_core.selftest.run_cases import KINDS, LONG, SLOW, run_folder

from . import attention
from .budget import Budget
from .measure import (
    first_non_finite,
    host_syncs,
    longest_kernels,
    odd_values,
    peak_memory,
    synchronize,
    timed,
)
from .section import Figures, Section
from .workload import CLIP_STEPS, FRAMES, Scale, Workload

FULL_SIZE = "full_size_denoise"
PRESET_STEPS = 8  # of the exact clip: balanced takes half of them, fast a quarter
# What a processor leaves out: the small cases show as much about the report, and `hallo2 selftest` runs the others.
ON_A_PROCESSOR = {kind: "takes too long on a CPU" for kind in (*SLOW, "pipeline", FULL_SIZE)}
HALF_ON_A_PROCESSOR = ON_A_PROCESSOR | {"denoising_unet": "takes minutes in 16 bits on a CPU"}


def all_sections(device: torch.device, scale: Scale, budget: Budget) -> Iterator[Section]:
    full, work = scale.is_full, Workload(device, scale)

    def section(name: str, title: str, run: partial, needs: float, card_needs: float, steps: float = 0) -> Section:
        """needs, card_needs: seconds without and with a card. steps: how many denoising steps it takes beside them."""
        return Section(name, title, run, lambda: (card_needs if full else needs) + 1.2 * steps * work.step_seconds)

    halves = torch.float16, torch.bfloat16
    yield section("attention", "Attention kernels", partial(attention_sites, device, scale, halves), 5, 15)
    yield section("weights", "Seeded weights", partial(draw_weights, work), 2, 90)
    for dtype in scale.halves:
        name = name_of(dtype)
        yield section(f"step-{name}", f"One guided step, {name}", partial(one_step, work, dtype), 5, 20)
        yield section(f"clip-{name}", f"A clip of {CLIP_STEPS} steps, {name}", partial(one_clip, work, dtype), 5, 10, 8)
    first = scale.halves[0]
    yield section(
        "accelerate", f"A clip of {PRESET_STEPS} steps, accelerated", partial(presets, work, first), 10, 25, 36
    )
    yield section("syncs", "Host syncs in a step", partial(step_syncs, work, first), 5, 3, 2)
    yield section("kernels", "Longest kernels of a step", partial(step_kernels, work, first), 5, 10, 3)
    yield section("release", "Memory after the networks are gone", partial(let_go, work), 0, 0)
    every = (*halves, torch.float32) if full else (torch.float32,)
    yield section("vae", "VAE, one frame", partial(vae_frame, device, scale, every), 5, 15)
    for dtype in (torch.bfloat16, torch.float32, torch.float16) if full else every:
        name = name_of(dtype)
        run = partial(upscaler_window, work, dtype)
        yield section(f"upscaler-{name}", f"Upscaler, a window of {FRAMES}, {name}", run, 5, 15)
    for dtype in (torch.bfloat16, torch.float32) if full else every:
        name = name_of(dtype)
        run = partial(window_kernels, work, dtype)
        yield section(f"kernels-window-{name}", f"Longest kernels of a window, {name}", run, 5, 15)
    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        name = name_of(dtype)
        run = partial(selftest, device, dtype, left_out(full, dtype), budget)
        yield section(f"selftest-{name}", f"Golden cases, {name}", run, 20, 30)
    if full:
        others = {kind: "in a section of its own" for kind in (*KINDS, LONG) if kind != FULL_SIZE}
        for dtype in (torch.float16, torch.bfloat16, torch.float32):
            name = name_of(dtype)
            run = partial(selftest, device, dtype, others, budget)
            yield section(f"full-size-{name}", f"Full-size golden case, {name}", run, 0, 75)


def name_of(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


@torch.inference_mode()
def attention_sites(device: torch.device, scale: Scale, dtypes: tuple[torch.dtype, ...]) -> Figures:
    """The head widths are always the released ones; on a processor there are few tokens."""
    places = attention.sites(Hallo2Config(), VAEConfig(), UpscalerConfig(), scale.latent_side)
    return {"sites": [attention.measure_site(site, device, dtype) for dtype in dtypes for site in places]}


def draw_weights(work: Workload) -> Figures:
    return {"gib": work.draw(work.scale.halves[0])}


def one_step(work: Workload, dtype: torch.dtype) -> Figures:
    call, unet = work.step(dtype)
    values = odd_values(call())
    where = first_non_finite(unet, call) if values["non_finite"] else None
    with FlopCounterMode(display=False) as counter:
        call()
    tera = counter.get_total_flops() / 1e12
    times = timed(call, work.device, work.scale.repeats)
    work.step_seconds = times["median_ms"] / 1000
    speed = {"tflop": round(tera, 4), "tflop_per_second": round(tera / work.step_seconds, 3)}
    return times | speed | peak_memory(call, work.device) | values | {"first_non_finite_layer": where}


def one_clip(work: Workload, dtype: torch.dtype) -> Figures:
    inputs = work.inputs(dtype)
    if work.scale.is_full:
        work.clip(inputs, dtype)  # a card chooses and loads its kernels in the first one
    made = []
    memory = peak_memory(lambda: made.append(work.clip(inputs, dtype)), work.device)
    ((frames, seconds),) = made
    return {"seconds": round(seconds, 3), "frames": len(frames)} | memory | odd_values(frames)


def presets(work: Workload, dtype: torch.dtype) -> Figures:
    """From motion frames to decoded frames. What a preset costs in quality does not show in seeded weights."""
    rows = []
    for name, acceleration in PRESETS.items():
        if work.scale.is_full:  # the conditional half alone has shapes of its own, for which kernels are loaded
            work.clip(work.inputs(dtype, PRESET_STEPS, acceleration), dtype)
        _, seconds = work.clip(work.inputs(dtype, PRESET_STEPS, acceleration), dtype)
        rows.append({"preset": name, "steps": acceleration.steps_taken(PRESET_STEPS), "seconds": round(seconds, 3)})
    return {"rows": rows}


def step_syncs(work: Workload, dtype: torch.dtype) -> Figures:
    call, _ = work.step(dtype)
    call()
    return host_syncs(call, work.device)


def step_kernels(work: Workload, dtype: torch.dtype) -> Figures:
    call, _ = work.step(dtype)
    if work.scale.is_full:
        call()
    return longest_kernels(call, work.device)


def let_go(work: Workload) -> Figures:
    """What is left on the card shows what somebody still holds."""
    work.release()
    gc.collect()
    if work.device.type != "cuda":
        return {}
    torch.cuda.empty_cache()
    return {"allocated_gib": round(torch.cuda.memory_allocated(work.device) / 2**30, 3)}


@torch.inference_mode()
def vae_frame(device: torch.device, scale: Scale, dtypes: tuple[torch.dtype, ...]) -> Figures:
    """Decoding and encoding of one frame: the pack does one at a time, as in the original."""
    generator = torch.Generator().manual_seed(0)
    latents = torch.randn(1, LATENT_CHANNELS, scale.latent_side, scale.latent_side, generator=generator)
    pixels = torch.rand(1, 3, scale.side_px, scale.side_px, generator=generator) * 2 - 1
    vae = AutoencoderKL(scale.vae, Build(dtype=torch.float32, device="meta"))
    fill_with_seeded_weights(vae, "vae.")
    vae.to(device)
    rows = []
    for dtype in dtypes:
        vae.to(dtype)
        decode = partial(vae.decode, latents.to(device, dtype))
        encode = partial(vae.encode, pixels.to(device, dtype))
        for what, call in (("decode", decode), ("encode", encode)):
            row = {"what": what, "dtype": name_of(dtype)} | timed(call, device, scale.repeats)
            rows.append(row | peak_memory(call, device) | odd_values(call()))
    return {"rows": rows}


@torch.inference_mode()
def upscaler_window(work: Workload, dtype: torch.dtype) -> Figures:
    call, restorer = work.window(dtype)
    values = odd_values(call())
    synchronize(work.device)
    where = first_non_finite(restorer, call) if values["non_finite"] else None
    times = timed(call, work.device, replace(work.scale.repeats, warm_up=0))
    return times | peak_memory(call, work.device) | values | {"first_non_finite_layer": where}


def window_kernels(work: Workload, dtype: torch.dtype) -> Figures:
    call, _ = work.window(dtype)
    if work.scale.is_full:
        call()
    return longest_kernels(call, work.device)


def left_out(full: bool, dtype: torch.dtype) -> dict[str, str]:
    """On a card only the full-size case, which has sections of its own."""
    if full:
        return {FULL_SIZE: "in a section of its own"}
    return ON_A_PROCESSOR if dtype == torch.float32 else HALF_ON_A_PROCESSOR


def selftest(device: torch.device, dtype: torch.dtype, kinds_left_out: dict[str, str], budget: Budget) -> Figures:
    """Stops where the slowest case so far would not fit once more: which ones come next is not known."""
    verdicts, in_time = [], True
    slowest, before = 0.0, budget.seconds_left
    for verdict in run_folder(shipped_goldens(), Settings(device, dtype), left_out=kinds_left_out):
        verdicts.append(verdict)
        left = budget.seconds_left
        slowest, before = max(slowest, before - left), left
        in_time = left > slowest
        if not in_time:
            break
    return {
        "summary": summary(verdicts) + ("" if in_time else "; then the time was up"),
        "passed": all(verdict.status != "FAIL" for verdict in verdicts),
        "cases": [verdict.as_json() for verdict in verdicts if verdict.status != "SKIP"],
    }
