"""What the host's nodes may leave in a MODEL that has no effect on Hallo2, or would have a wrong one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from comfy.patcher_extension import WrappersMP

from ....hallo2_core.errors import SettingsError
from .unet_model import UNetModel

if TYPE_CHECKING:
    from comfy.model_patcher import ModelPatcher

CALLED_WRAPPERS = {
    WrappersMP.OUTER_SAMPLE,
    WrappersMP.PREDICT_NOISE,
    WrappersMP.CALC_COND_BATCH,
    WrappersMP.APPLY_MODEL,
    WrappersMP.DIFFUSION_MODEL,
}
OWN_SCHEDULE = "Hallo2's noise schedule is fixed"
OWN_GUIDANCE = "guidance is part of Hallo2's own steps: use 'Weight Timeline (Hallo2)'"
# What is known of some keys of model_options; the others that hold functions are refused too.
REASONS = {
    "sampler_cfg_function": OWN_GUIDANCE,
    "sampler_pre_cfg_function": OWN_GUIDANCE,
    "sampler_post_cfg_function": OWN_GUIDANCE,
    "context_handler": "Hallo2 makes long videos of its own clips",
}
OTHER_NETWORK = "it is made for another network"


def check_supported(patcher: ModelPatcher) -> None:
    """Errors: SettingsError that names everything that cannot act."""
    if not isinstance(patcher.model, UNetModel):
        raise SettingsError(
            f"The MODEL is {type(patcher.model).__name__}, not a Hallo2 model. Connect one that begins at 'Model to "
            f"ComfyUI (Hallo2)'."
        )
    found = list(_unsupported(patcher))
    if found:
        raise SettingsError(
            f"Some ComfyUI nodes between 'Model to ComfyUI' and this one do not work with Hallo2: {'; '.join(found)}. "
            f"Remove them. The help page lists what works."
        )


def _unsupported(patcher: ModelPatcher) -> Iterator[str]:
    if patcher.patches or patcher.weight_wrapper_patches or patcher.hook_patches:
        yield "changed weights (use 'Load LoRA (Hallo2)' for a LoRA)"
    for name in patcher.object_patches:
        yield f"{name} ({OWN_SCHEDULE if name == 'model_sampling' else OTHER_NETWORK})"
    for name in patcher.additional_models:
        yield f"additional models of {name} (only one model is sampled, on one device)"
    for name in patcher.injections:
        yield f"injection {name} ({OTHER_NETWORK})"
    for name, value in patcher.model_options.items():
        if name in REASONS or _calls(value):
            yield f"{name} ({REASONS.get(name, 'Hallo2 samples with its own steps')})"
    options = patcher.model_options["transformer_options"]
    for kind in ("patches", "patches_replace"):
        for name in options.get(kind, ()):
            yield f"{kind} of {name} ({OTHER_NETWORK})"
    kinds = {
        kind for wrappers in (patcher.wrappers, options.get("wrappers", {})) for kind, of in wrappers.items() if of
    }
    for kind in sorted(kinds - CALLED_WRAPPERS):
        yield f"a wrapper of {kind} (Hallo2 samples with its own steps)"


def _calls(value: object) -> bool:
    return callable(value) or (isinstance(value, list) and any(map(callable, value)))
