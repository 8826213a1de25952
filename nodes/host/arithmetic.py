"""Settings of ComfyUI that may change the last bit of a result."""

from __future__ import annotations

import comfy.ldm.modules.attention
import comfy.model_management as mm
from comfy.cli_args import args

from ...hallo2_core.arithmetic import torch_arithmetic

NONE = "none"


def host_arithmetic() -> dict[str, str]:
    """Torch's part, and the host's: its attention, which its own VAE uses too, and what it was told to do faster.

    An attention that a pack puts in its place is named by its function. The networks' own is another entry.
    """
    attention = comfy.ldm.modules.attention.optimized_attention
    upcast = args.force_upcast_attention - args.dont_upcast_attention
    return torch_arithmetic(mm.get_torch_device()) | {
        "ComfyUI's attention": getattr(attention, "__qualname__", type(attention).__qualname__),
        "VAE device": mm.vae_device().type,
        "--fast": ", ".join(sorted(feature.value for feature in args.fast)) or NONE,
        "attention upcast": {0: "as the model asks", 1: "always", -1: "never"}[upcast],
    }
