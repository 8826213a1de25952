"""What an animated video's file says about how it was made."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ..jobs.key import JobKey
from ..jobs.record import record_of
from .job_key import Render


def render_record(render: Render, key: JobKey) -> dict[str, Any]:
    """The settings by their names in the code, the timelines as they are written, and the key."""
    inputs, portrait = render.inputs, render.inputs.reference.portrait
    settings = {
        "width": portrait.width,
        "height": portrait.height,
        "fps": str(render.speech.fps),
        "sampler": asdict(inputs.sampler),
        "clip": asdict(inputs.motion.clip),
        "patch_drop": asdict(inputs.motion.patch_drop),
        "colour_match": inputs.motion.colour_match,
        "steady": render.steady.levels,
        "file": asdict(render.settings),
    }
    if inputs.text is not None:
        settings["text"] = str(inputs.text)
    if inputs.weights is not None:
        settings["weights"] = str(inputs.weights)
    return record_of(key, settings)
