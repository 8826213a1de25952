"""Settings that shorten sampling: a preset, or each choice alone."""

from __future__ import annotations

from comfy_api.latest import io

from ..hallo2_core.animation.acceleration import BALANCED, PRESETS, SOLVERS, Acceleration
from .schema import io_types
from .schema.search import also_found_as

CUSTOM = "custom"


class Hallo2Accelerate(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2Accelerate",
            display_name="Accelerate (Hallo2)",
            category="Hallo2",
            description=(
                "Makes sampling faster, at some loss of quality. Connect it to 'Sample Video (Hallo2)'; without it, "
                "every step is computed in full."
            ),
            **also_found_as("speed", "fast", "faster", "deepcache", "dpm++", "few steps", "cache"),
            inputs=[
                io.Combo.Input(
                    "preset",
                    options=[*PRESETS, CUSTOM],
                    default=BALANCED,
                    tooltip=(
                        "'exact': everything is computed. 'balanced' and 'fast' need 40 and 20 percent of the "
                        "operations; the help page has their measured loss. 'custom': the settings below."
                    ),
                ),
                io.Combo.Input(
                    "solver",
                    options=list(SOLVERS),
                    default=SOLVERS[0],
                    optional=True,
                    tooltip="'ddim' is the release's. 'dpm++2m' reaches about the same result in half the steps.",
                ),
                io.Float.Input(
                    "step_share",
                    default=1.0,
                    min=0.05,
                    max=1.0,
                    step=0.05,
                    optional=True,
                    tooltip="Share of the sampler's steps that are taken: of 40 steps, 0.5 takes 20.",
                ),
                io.Float.Input(
                    "guided_from",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    optional=True,
                    tooltip="Guidance starts after this share of the steps. Steps without guidance take half the time.",
                ),
                io.Float.Input(
                    "guided_until",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    optional=True,
                    tooltip="Guidance ends after this share of the steps.",
                ),
                io.Int.Input(
                    "unconditional_every",
                    default=1,
                    min=1,
                    max=10,
                    optional=True,
                    tooltip=(
                        "Compute the unconditional half of guidance in every n-th step only, and reuse its effect in "
                        "between. 1: in every step."
                    ),
                ),
                io.Int.Input(
                    "deep_every",
                    default=1,
                    min=1,
                    max=10,
                    optional=True,
                    tooltip=(
                        "Compute the network's deep layers in every n-th step only, and reuse their result in between "
                        "(DeepCache). 1: in every step."
                    ),
                ),
            ],
            outputs=[io_types.Acceleration.Output(display_name="acceleration")],
        )

    @classmethod
    def execute(
        cls,
        preset: str,
        solver: str = SOLVERS[0],
        step_share: float = 1.0,
        guided_from: float = 0.0,
        guided_until: float = 1.0,
        unconditional_every: int = 1,
        deep_every: int = 1,
    ) -> io.NodeOutput:
        if preset != CUSTOM:
            return io.NodeOutput(PRESETS[preset])
        return io.NodeOutput(
            Acceleration(solver, step_share, guided_from, guided_until, unconditional_every, deep_every)
        )
