"""Golden cases of the upscaler."""

from __future__ import annotations

import torch
from einops import rearrange, reduce
from torch import Tensor

from ..checkpoints.seeded import seeded_state_dict
from ..checkpoints.upscaler import assemble_upscaler, upscaler_config
from ..checkpoints.upscaler_keys import renamed
from ..models.upscaler.temporal_alignment import TemporalAlignment
from .case import Case, Comparison, Settings, Verdict
from .limits import limit_for

CROP_PX = 32
# From this fidelity on, the seeded weights exceed the dtype's range: the last level reaches 7.5e5 at fidelity 1, and
# float16 ends at 65504.
OVERFLOWS_FROM = {torch.float16: 1.0}
# Below this margin between the two likeliest codes, another machine may choose the other one.
AMBIGUOUS_MARGIN = {torch.float32: 1e-4, torch.float16: 1e-2, torch.bfloat16: 1e-1, torch.float8_e4m3fn: 5e-1}


@torch.inference_mode()
def run_sr_transformer(case: Case, settings: Settings) -> list[Verdict]:
    """A few layers of the temporal alignment on given tokens (l, b·f, d)."""
    frames = case.metadata["video_length"]
    tokens = rearrange(case.tensors["input"], "l bf d -> bf l d").to(settings.device, settings.dtype)
    position = case.tensors["position"].to(settings.device, settings.dtype)
    shapes = case.beside("manifest_net_g.json")
    comparison = Comparison(case.name)
    for number in range(sum(name.startswith("after_layer") for name in case.tensors)):
        tokens = _seeded_layer(number, shapes, case, settings)(tokens, position, frames)
        expected = rearrange(case.tensors[f"after_layer{number}"], "l bf d -> bf l d")
        comparison.check(f"after layer {number}", tokens, expected, limit_for("network", *settings.dtypes))
    return [comparison.verdict()]


@torch.inference_mode()
def run_sr_full(case: Case, settings: Settings) -> list[Verdict]:
    """The whole network on pictures: its codes, then its output for the official codes at each fidelity.

    Decoding the official codes separates wrong pictures from near ties between codes, which may flip in float16.
    """
    shapes = case.beside("manifest_net_g.json")
    drawn = seeded_state_dict(shapes, case.salt)
    restorer = settings.ready(
        assemble_upscaler(
            upscaler_config(shapes), shapes, lambda key, dtype: drawn.pop(key).to(dtype), settings.build("cpu")
        )
    )
    frames = (case.tensors["frames_uint8_rgb"] / 255 - 0.5) / 0.5
    encoded = restorer.encode(frames.to(settings.device, settings.dtype), fidelity=max(case.metadata["w"]))
    comparison = Comparison(case.name)

    codes = restorer.code_logits(encoded.features).argmax(dim=-1).cpu()
    expected_codes = rearrange(case.tensors["top_idx"], "(b f) l 1 -> b f l", b=len(frames))
    clear = rearrange(case.tensors["top2_logit_margin"], "(b f) l -> b f l", b=len(frames))
    clear = clear > max(AMBIGUOUS_MARGIN[dtype] for dtype in settings.dtypes)
    comparison.check("top_idx", codes[clear], expected_codes[clear], 0)

    for fidelity in case.metadata["w"]:
        if fidelity >= OVERFLOWS_FROM.get(settings.dtype, float("inf")):
            continue
        picture = restorer.draw(expected_codes.to(settings.device), encoded, fidelity, case.metadata["adain"])
        limit = limit_for("upscaler_fused" if fidelity > 0 else "upscaler", *settings.dtypes)
        for name, part in _stored_parts(picture).items():
            comparison.check(f"w{fidelity}/{name}", part, case.tensors[f"w{fidelity}/{name}"], limit)
    return [comparison.verdict()]


def _seeded_layer(number: int, shapes: dict[str, list[int]], case: Case, settings: Settings) -> TemporalAlignment:
    """The layer ft_layers.<number> of the file, with dimensions from its weights."""
    theirs = {key: shape for key, shape in shapes.items() if key.startswith(f"ft_layers.{number}.")}
    ours = dict(renamed(seeded_state_dict(theirs, case.salt).items()))
    prefix = f"temporal_alignment.{number}."
    feed_forward_width, width = ours[f"{prefix}spatial_ff.linear1.weight"].shape
    layer = TemporalAlignment(width, feed_forward_width, heads=8, build=settings.build("meta"))
    weights = {name: ours[prefix + name].to(tensor.dtype) for name, tensor in layer.state_dict().items()}
    layer.load_state_dict(weights, strict=True, assign=True)
    return settings.ready(layer)


def _stored_parts(picture: Tensor) -> dict[str, Tensor]:
    """picture: (b f 3 s s). The parts stored in the goldens, by name."""
    side = picture.shape[-1]
    corners = {"top_left": 0, "centre": side // 2 - CROP_PX // 2, "low_right": side - CROP_PX}
    parts = {
        f"crop_{name}": picture[..., corner : corner + CROP_PX, corner : corner + CROP_PX]
        for name, corner in corners.items()
    }
    blocks = reduce(picture.float(), "b f c (h i) (w j) -> b f c h w", "mean", i=16, j=16)
    return {**parts, "mean16x16": blocks}
