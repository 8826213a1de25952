"""Which kernel computes our attention."""

import json
from dataclasses import replace

import comfy.ldm.modules.attention as host
import torch
from comfy_api.latest import io, ui

from .in_pack import pack


class ProbeAttention(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema("ProbeAttention", inputs=[], outputs=[], is_output_node=True)

    @classmethod
    def execute(cls):
        found = {
            "on_the_cpu": repr(pack("nodes.host.attention").HostAttention()),
            "sage": kernels_taken("attention_sage", "sageattn"),
            "override": cls.calls_of_an_override(),
        }
        return io.NodeOutput(ui=ui.PreviewText(json.dumps(found)))

    @classmethod
    def calls_of_an_override(cls):
        """How often a host's override is asked in a pass of the reference network, and how often attention is."""
        attention = pack("nodes.host.attention").HostAttention({"optimized_attention_override": overriding})
        counting = Counting(attention)
        build = replace(pack("nodes.host.networks").network_build("fp32"), attention=counting)
        models = pack("hallo2_core.checkpoints.demo").demo_hallo2(build)
        tokens = pack("hallo2_core.animation.reference_banks").face_tokens(models.image_projection, torch.zeros(512))
        overridden.clear()
        pack("hallo2_core.animation.reference_banks").portrait_banks(
            models.reference_net, torch.zeros(1, 4, 8, 8), tokens
        )
        return {"asked": len(overridden), "attended": counting.calls, "name": repr(attention)}


overridden = []


def overriding(kernel, *arguments, **named):
    overridden.append(kernel.__name__)
    return kernel(*arguments, **named)


class Counting:
    def __init__(self, attention):
        self.attention, self.calls = attention, 0

    def __call__(self, *arguments):
        self.calls += 1
        return self.attention(*arguments)


def kernels_taken(name, library):
    """By head width and dtype, with the host set to a kernel whose library is not there: one that refuses what the
    real one refuses. On "meta", which holds no numbers: the CPU has a kernel of its own."""

    def refusing(q, k, v, **_named):
        if q.shape[-1] > 128 or q.dtype == torch.float32:
            raise ValueError(f"Unsupported head_dim: {q.shape[-1]}")
        taken.append(name)
        return torch.empty_like(q)

    def fused(*arguments, **named):
        taken.append("pytorch")
        return before[1](*arguments, **named)

    before = host.optimized_attention, torch.nn.functional.scaled_dot_product_attention, getattr(host, library, None)
    host.optimized_attention, torch.nn.functional.scaled_dot_product_attention = getattr(host, name), fused
    setattr(host, library, refusing)
    attention, kinds = pack("nodes.host.attention").HostAttention(), {}
    try:
        for width, dtype in ((40, torch.float16), (80, torch.bfloat16), (160, torch.float16), (40, torch.float32)):
            taken = []
            q, k, v = (torch.empty(2, length, 8 * width, dtype=dtype, device="meta") for length in (6, 9, 9))
            assert attention(q, k, v, heads=8).shape == q.shape
            kinds[f"{width} {str(dtype).removeprefix('torch.')}"] = taken
    finally:
        host.optimized_attention, torch.nn.functional.scaled_dot_product_attention, kept = before
        delattr(host, library) if kept is None else setattr(host, library, kept)
    return kinds
