"""The denoising UNet of the released code beside ours on the CPU: same weights, same inputs, in turns.

    git clone --depth 1 https://github.com/fudan-generative-vision/hallo2 released
    pip install --target released/lib --no-deps diffusers==0.32.2 && mkdir released/lib/xformers
    PYTHONPATH=released/lib:released python tests/bench/beside_release.py [--side 128] [--dtype bfloat16] [--pairs 3]

(The released code imports xformers, but does not use it on a CPU: an empty package suffices.) Both halves of guidance,
16 + 2 frames, released size, seeded weights: 8 GiB of memory in float32. The released network is in training mode with
gradient checkpointing, as the released script runs it (quirk 1); ours has the layers of the command line. What ours
computes once a clip is not timed. Prints processor seconds of each pair, after one to warm up, and how far the two
predictions are apart.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from einops import rearrange, repeat
from results import CPU, ROOT, publish
from timing import DTYPES, timed, timing_parser
from torch import Tensor, nn

from hallo2_core.animation.reference_banks import reference_rows
from hallo2_core.checkpoints.networks import hallo2_networks
from hallo2_core.checkpoints.seeded import fill_with_seeded_weights
from hallo2_core.config import LATENT_CHANNELS, PIXELS_PER_LATENT, Hallo2Config
from hallo2_core.models import casting
from hallo2_core.models.conditions import ClipConditions
from hallo2_core.models.denoising_unet import DenoisingUNet
from hallo2_core.models.layers import Build
from hallo2_core.models.unet_blocks import layers_that_attend
from hallo2_core.payloads import ReferenceBanks, RegionMasks

FRAMES, MOTION_FRAMES, TIMESTEP = 16, 2, 499
CONFIG = Hallo2Config().unet
LEVELS = range(len(CONFIG.block_widths))


@dataclass(frozen=True)
class Inputs:
    """Random, for latents of side × side."""

    side: int
    dtype: torch.dtype

    @cached_property
    def _generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(0)

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self._generator).to(self.dtype)

    @cached_property
    def latents(self) -> Tensor:
        """(f 4 h w)."""
        return self._normal(FRAMES, LATENT_CHANNELS, self.side, self.side)

    @cached_property
    def banks(self) -> dict[str, list[Tensor]]:
        """Block path → per layer (2 1+m l c): portrait, then motion frames."""
        attending = layers_that_attend(CONFIG.block_widths, CONFIG.layers_per_block)
        return {
            path: [self._normal(2, 1 + MOTION_FRAMES, (self.side >> level_of(path)) ** 2, width) for _ in range(layers)]
            for path, (layers, width) in attending.items()
        }

    @cached_property
    def face_tokens(self) -> Tensor:
        return self._normal(2, 4, CONFIG.face_token_width)

    @cached_property
    def audio_tokens(self) -> Tensor:
        return self._normal(FRAMES, 32, CONFIG.audio_token_width)

    @cached_property
    def face_map(self) -> Tensor:
        return self._normal(1, CONFIG.block_widths[0], self.side, self.side)

    @cached_property
    def masks(self) -> RegionMasks:
        pyramids = ([self._normal((self.side >> level) ** 2).sigmoid() for level in LEVELS] for _ in range(3))
        return RegionMasks(*map(tuple, pyramids))


def level_of(path: str) -> int:
    """Number of halvings of the latents at this block."""
    name, _, index = path.partition(".")
    return {"down_blocks": int(index or 0), "mid_block": LEVELS[-1], "up_blocks": LEVELS[-1] - int(index or 0)}[name]


def our_conditions(unet: DenoisingUNet, inputs: Inputs) -> ClipConditions:
    portrait = {path: tuple(bank[:, 0] for bank in banks) for path, banks in inputs.banks.items()}
    motion = {
        path: tuple(rearrange(bank[:, 1:], "b m l c -> (b m) l c") for bank in banks)
        for path, banks in inputs.banks.items()
    }
    return unet.clip_conditions(
        unet.portrait_conditions(ReferenceBanks(portrait), inputs.face_tokens, inputs.face_map, inputs.masks),
        ReferenceBanks(motion),
        inputs.audio_tokens,
        torch.ones(3, FRAMES, dtype=inputs.dtype),
        reference_rows(FRAMES, cond_batch=2),
    )


def released_unet(weights: dict[str, Tensor], inputs: Inputs) -> nn.Module:
    """With these weights, not a copy of them, and the banks where its attention control puts them."""
    from hallo.models.mutual_self_attention import ReferenceAttentionControl
    from hallo.models.unet_3d import UNet3DConditionModel

    values = json.loads((ROOT / "tests" / "parity" / "goldens" / "config_full.json").read_text())["denoising_unet"]
    known = inspect.signature(UNet3DConditionModel.__init__).parameters
    with torch.device("meta"):
        unet = UNet3DConditionModel(**{name: value for name, value in values.items() if name in known})
    unet.register_to_config(center_input_sample=values["center_input_sample"])
    unet.load_state_dict(weights, assign=True)
    unet.requires_grad_(False).train().enable_gradient_checkpointing()
    ReferenceAttentionControl(unet, do_classifier_free_guidance=True, mode="read", fusion_blocks="full")
    for path, banks in inputs.banks.items():
        for attention, bank in zip(unet.get_submodule(path).attentions, banks, strict=True):
            attention.transformer_blocks[0].bank = [rearrange(bank, "b s l c -> (b s) l c")]
    return unet


def released_call(unet: nn.Module, inputs: Inputs) -> Callable[[], Tensor]:
    """Returns ((b f) 4 h w)."""
    face_map = torch.cat([torch.zeros_like(inputs.face_map), inputs.face_map])
    masks = ([repeat(mask, "l -> r l", r=2 * FRAMES) for mask in region] for region in vars(inputs.masks).values())
    conditions = dict(zip(("full_mask", "face_mask", "lip_mask"), masks, strict=True)) | {
        "encoder_hidden_states": inputs.face_tokens,
        "mask_cond_fea": repeat(face_map, "b c h w -> b c f h w", f=FRAMES),
        "audio_embedding": torch.stack([torch.zeros_like(inputs.audio_tokens), inputs.audio_tokens]),
        "motion_scale": [1.0, 1.0, 1.0],
    }
    latents, timestep = repeat(inputs.latents, "f c h w -> b c f h w", b=2), torch.tensor(TIMESTEP)

    @torch.no_grad()
    def call() -> Tensor:
        return rearrange(unet(latents, timestep, **conditions, return_dict=False)[0], "b c f h w -> (b f) c h w")

    return call


@torch.inference_mode()
def our_call(unet: DenoisingUNet, inputs: Inputs) -> Callable[[], Tensor]:
    """The same."""
    conditions, latents = our_conditions(unet, inputs), repeat(inputs.latents, "f c h w -> (b f) c h w", b=2)
    return torch.inference_mode()(lambda: unet(latents, TIMESTEP, conditions))


def main() -> int:
    parser = timing_parser(__doc__)
    parser.add_argument("--pairs", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    dtype = DTYPES[arguments.dtype or "float32"]
    inputs = Inputs((arguments.side or 128) // PIXELS_PER_LATENT, dtype)
    unet = hallo2_networks(Hallo2Config(), Build(casting, dtype=dtype, device="meta")).denoising_unet
    fill_with_seeded_weights(unet, "denoising_unet.")
    released = released_unet(unet.state_dict(), inputs)
    calls = {"released": released_call(released, inputs), "ours": our_call(unet, inputs)}
    rows = [pair(calls) for _ in range(arguments.pairs + 1)][1:]
    return publish(rows, CPU, arguments.json)


def pair(calls: dict[str, Callable[[], Tensor]]) -> dict[str, float]:
    predictions: dict[str, Tensor] = {}
    seconds = {
        name: timed(lambda name=name, call=call: predictions.update({name: call()}), CPU)["processor seconds"]
        for name, call in calls.items()
    }
    apart = (predictions["ours"] - predictions["released"]).abs().max() / predictions["released"].std()
    ratio = seconds["ours"] / seconds["released"]
    return seconds | {"ours / released": round(ratio, 3), "largest difference, of the std": float(apart)}


if __name__ == "__main__":
    sys.exit(main())
