"""What acts on a MODEL between 'Model to ComfyUI' and 'Model from ComfyUI'."""

import json
from collections import Counter

import torch
from comfy.patcher_extension import WrappersMP
from comfy_api.latest import io, ui

called = Counter()
seen = {}
KINDS = [WrappersMP.OUTER_SAMPLE, WrappersMP.PREDICT_NOISE, WrappersMP.CALC_COND_BATCH, WrappersMP.APPLY_MODEL,
         WrappersMP.DIFFUSION_MODEL]  # fmt: skip


class OnModel(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(cls.__name__, inputs=[io.Model.Input("model"), *cls.inputs()], outputs=[io.Model.Output()])


class ProbeWrappers(OnModel):
    """One wrapper of each kind, which changes nothing, counts, and keeps what it last saw."""

    @classmethod
    def inputs(cls):
        return [io.Combo.Input("only", options=["all", *KINDS])]

    @classmethod
    def execute(cls, model, only):
        called.clear()
        seen.clear()
        model = model.clone()
        for kind in KINDS if only == "all" else [only]:
            model.add_wrapper_with_key(kind, "probe", counting(kind))
        return io.NodeOutput(model)


def counting(kind):
    def wrapper(executor, *arguments, **named):
        called[kind] += 1
        result = executor(*arguments, **named)
        latents = result[0] if kind == WrappersMP.CALC_COND_BATCH else result
        options = next((given for given in (*arguments, *named.values()) if isinstance(given, dict)), {})
        options = options.get("transformer_options", options)
        seen[kind] = {
            "owner": type(executor.class_obj).__name__,
            "out": [str(latents.dtype), *latents.shape],
            "rows": options.get("cond_or_uncond"),
        }
        return result

    return wrapper


class ProbeAttentionOverride(OnModel):
    """Attention that is too strong: frames change with `strength`, and only with it."""

    @classmethod
    def inputs(cls):
        return [io.Float.Input("strength")]

    @classmethod
    def execute(cls, model, strength):
        called.clear()
        model = model.clone()
        model.model_options["transformer_options"]["optimized_attention_override"] = stronger(strength)
        return io.NodeOutput(model)


def stronger(strength):
    def override(kernel, *arguments, **named):
        called["attention"] += 1
        return strength * kernel(*arguments, **named)

    return override


class ProbeSamplerWrapper(OnModel):
    """What needs the host's own sampler."""

    @classmethod
    def inputs(cls):
        return []

    @classmethod
    def execute(cls, model):
        model = model.clone()
        model.add_wrapper(WrappersMP.SAMPLER_SAMPLE, counting(WrappersMP.SAMPLER_SAMPLE))
        return io.NodeOutput(model)


class ProbeCalls(io.ComfyNode):
    """What was called since the last of these probes ran, and how many frames torch has compiled."""

    @classmethod
    def define_schema(cls):
        return io.Schema("ProbeCalls", inputs=[io.Int.Input("number")], outputs=[], is_output_node=True)

    @classmethod
    def execute(cls, number):
        compiled = torch._dynamo.utils.counters["frames"]["ok"]
        return io.NodeOutput(ui=ui.PreviewText(json.dumps({"called": called, "seen": seen, "compiled": compiled})))


NODES = [ProbeWrappers, ProbeAttentionOverride, ProbeSamplerWrapper, ProbeCalls]
