"""The doctor's findings on ComfyUI itself: its version, the pack's folder, and options that matter to Hallo2."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import comfy.model_management as mm
import comfyui_version
import folder_paths
import torch
from comfy.cli_args import args

from ...hallo2_core.doctor.finding import Finding, State, report
from ...hallo2_core.doctor.software import release_numbers
from .files import MODEL_FOLDER, HostFolders

logger = logging.getLogger("hallo2")

OLDEST = (0, 3, 64)  # as requires-comfyui in pyproject.toml
PACK = Path(__file__).parents[2]


def examine_host() -> list[str]:
    """The report, in lines."""
    from ...hallo2_core.doctor.examine import examine

    models = Path(folder_paths.get_folder_paths(MODEL_FOLDER)[0])
    output = Path(folder_paths.get_output_directory())
    return report(examine(HostFolders(), models, output, mm.get_torch_device(), tuple(_on_host())))


def warn_of_folder_name() -> None:
    """In the log, when ComfyUI loads the pack: without our JavaScript, nothing in the editor could say it."""
    if finding := _on_folder_name():
        logger.warning("Hallo2: %s. %s", finding.text, finding.remedy)


def _on_folder_name() -> Finding | None:
    if " " not in PACK.name:
        return None
    return Finding(
        "pack",
        f"the folder '{PACK.name}' has a space: ComfyUI cannot serve its help, templates and timeline editor",
        State.PROBLEM,
        f"Rename the folder '{PACK.name}' in custom_nodes to ComfyUI-Hallo2 and restart ComfyUI.",
    )


def _on_host() -> Iterator[Finding]:
    version = comfyui_version.__version__
    if release_numbers(version) < OLDEST:
        yield Finding("comfyui", f"{version} is too old", State.PROBLEM, "Update ComfyUI to 0.3.64 or newer.")
    else:
        yield Finding("comfyui", version)
    if finding := _on_folder_name():
        yield finding
    yield from _on_options()


def _on_options() -> Iterator[Finding]:
    """Options of ComfyUI that change Hallo2's speed, memory or picture."""
    if args.cpu and torch.cuda.is_available():
        yield _note("--cpu: the GPU is not used", "Start ComfyUI without --cpu.")
    if args.fp8_e8m0fnu_unet:
        yield _note("--fp8_e8m0fnu-unet: 'default' in 'Load Model' stops with an error", "Choose a dtype there.")
    if args.bf16_vae:
        yield _note(
            "--bf16-vae: rounding errors accumulate through the motion frames of long videos",
            "Start ComfyUI without --bf16-vae for long videos.",
        )
    if args.fast:
        names = ", ".join(sorted(feature.value for feature in args.fast))
        yield _note(f"--fast ({names}): frames differ slightly, and videos begun without it start over")
    if args.use_sage_attention:
        yield _note("--use-sage-attention: layers with a head width of 160 use PyTorch's attention instead")
    if args.disable_mmap:
        yield _note("--disable-mmap: net.pth is read as a whole, which needs 5 GB of main memory while it loads")
    if args.cache_none:
        yield _note("--cache-none: every run loads the model again", "Start ComfyUI without --cache-none.")


def _note(text: str, remedy: str = "") -> Finding:
    return Finding("option", text, State.NOTE, remedy)
