"""Golden cases of single networks and of the noise schedule."""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor

from ..animation.guidance import repeat_for_guidance
from ..animation.noise_schedule import signal_levels, timesteps
from ..animation.reference_banks import motion_banks, portrait_banks, reference_rows
from ..payloads import RegionMasks
from .case import Case, Comparison, Settings, Verdict
from .limits import limit_for
from .networks import CaseNetworks
from .zero_adapter import prompted


def run_face_locator(case: Case, settings: Settings) -> list[Verdict]:
    given = _on(settings, case.tensors["input"])
    got = CaseNetworks(case, settings).face_locator()(rearrange(given, "b c f h w -> (b f) c h w"))
    return _single(case, settings, rearrange(got, "(b f) c h w -> b c f h w", b=given.shape[0]))


def run_image_proj(case: Case, settings: Settings) -> list[Verdict]:
    projection = CaseNetworks(case, settings).image_projection()
    given = _on(settings, case.tensors["input"])
    comparison = Comparison(case.name)
    limit = limit_for("network", *settings.dtypes)
    comparison.check("tokens", projection(given), case.tensors["output"], limit)
    if "output_zero_input" in case.tensors:
        nobody = projection(torch.zeros_like(given))
        comparison.check("unconditional tokens", nobody, case.tensors["output_zero_input"], limit)
    return [comparison.verdict()]


def run_audio_proj(case: Case, settings: Settings) -> list[Verdict]:
    given = _on(settings, case.tensors["input"])
    got = CaseNetworks(case, settings).audio_projection()(rearrange(given, "b f w layers d -> (b f) w layers d"))
    return _single(case, settings, rearrange(got, "(b f) n d -> b f n d", b=given.shape[0]))


def run_reference_unet(case: Case, settings: Settings) -> list[Verdict]:
    """Banks in the original's order: per half, the portrait, then its motion frames."""
    net = CaseNetworks(case, settings).reference_net()
    latents, tokens = (_on(settings, case.tensors[name]) for name in ("ref_latents", "tokens"))
    portrait = portrait_banks(net, latents[:1], tokens)
    motion = motion_banks(net, latents[1:], tokens)
    comparison = Comparison(case.name)
    for name, expected in case.tensors.items():
        if name.startswith("bank/"):
            path, layer = name.removeprefix("bank/").removesuffix(".transformer_blocks.0").split(".attentions.")
            rows = _in_original_order(portrait.layers[path][int(layer)], motion.layers[path][int(layer)])
            comparison.check(name, rows, expected, limit_for("network", *settings.dtypes))
    return [comparison.verdict()]


def run_denoising_unet(case: Case, settings: Settings) -> list[Verdict]:
    prediction = denoise_once(case, settings, CaseNetworks(case, settings))
    comparison = Comparison(case.name)
    comparison.check("noise_pred", prediction, _expected_prediction(case), limit_for("network", *settings.dtypes))
    return [comparison.verdict()]


def run_full_size_denoise(case: Case, settings: Settings) -> list[Verdict]:
    prediction = denoise_once(case, settings, CaseNetworks(case, settings, "config_full.json"))
    comparison = Comparison(case.name)
    comparison.check("noise_pred", prediction, _expected_prediction(case), limit_for("full_size", *settings.dtypes))
    return [comparison.verdict()]


def run_scheduler(case: Case, settings: Settings) -> list[Verdict]:
    comparison = Comparison(case.name)
    ours = torch.tensor(timesteps(int(case.metadata["steps"])))
    comparison.check("timesteps", ours, case.tensors["timesteps"], 0)
    comparison.check("alphas_cumprod", signal_levels(), case.tensors["alphas_cumprod"], 1e-6)
    return [comparison.verdict()]


def denoise_once(case: Case, settings: Settings, networks: CaseNetworks, through_float16: bool = False) -> Tensor:
    """One forward of the denoising UNet on a case's inputs. Returns (b 4 f h w).

    through_float16: as in the original (quirk 5), which casts the banks to float16 whatever the networks' dtype. Ours
    keep the networks' dtype; in float16 the two are the same.
    """
    tensors = {name: _on(settings, tensor) for name, tensor in case.tensors.items() if tensor.is_floating_point()}
    guided = bool(case.metadata["cfg"])
    tokens, latents = tensors["tokens"], tensors["ref_latents"]
    net = networks.reference_net()
    portrait, motion = portrait_banks(net, latents[:1], tokens), motion_banks(net, latents[1:], tokens)
    del net
    if through_float16:
        portrait, motion = (banks.to(torch.float16).to(settings.dtype) for banks in (portrait, motion))
    unet = networks.denoising_unet()
    audio_tokens = tensors["audio_tokens"][0]
    frames = audio_tokens.shape[0]
    cond_batch = 2 if guided else 1
    conditions = unet.clip_conditions(
        unet.portrait_conditions(portrait, tokens, tensors["face_map_one_frame"], region_masks(case)),
        motion,
        audio_tokens,
        _on(settings, torch.tensor(case.metadata["motion_scale"])).unsqueeze(1).expand(-1, frames),
        reference_rows(frames, cond_batch),
    )
    if settings.zero_adapter:
        conditions = prompted(conditions, frames, settings, networks.config.unet)
    noisy = repeat_for_guidance(rearrange(tensors["noisy_latents"], "1 c f h w -> f c h w"), cond_batch)
    prediction = unet(noisy, int(case.metadata["timestep"]), conditions)
    return rearrange(prediction, "(b f) c h w -> b c f h w", f=frames)


def region_masks(case: Case) -> RegionMasks:
    """A case's mask pyramid; the original calls pose "full"."""
    levels = sorted(int(name.rsplit("/", 1)[1]) for name in case.tensors if name.startswith("mask/face/"))
    return RegionMasks(
        *(tuple(case.tensors[f"mask/{region}/{level}"][0] for level in levels) for region in ("full", "face", "lip"))
    )


def _expected_prediction(case: Case) -> Tensor:
    """The one with float32 banks if a case has both, which is what a float32 network must return."""
    return case.tensors.get("noise_pred_bank_fp32", case.tensors["noise_pred"])


def _in_original_order(portrait: Tensor, motion: Tensor) -> Tensor:
    """portrait: (b l c).  motion: (b m) l c.  Returns the rows of each half together, portrait first."""
    motion = rearrange(motion, "(b m) l c -> b m l c", b=portrait.shape[0])
    return rearrange(torch.cat([portrait.unsqueeze(1), motion], dim=1), "b r l c -> (b r) l c")


def _single(case: Case, settings: Settings, got: Tensor) -> list[Verdict]:
    comparison = Comparison(case.name)
    comparison.check("output", got, case.tensors["output"], limit_for("network", *settings.dtypes))
    return [comparison.verdict()]


def _on(settings: Settings, tensor: Tensor) -> Tensor:
    return tensor.to(settings.device, settings.dtype)
