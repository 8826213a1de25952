"""Run every golden case of a folder. A file's kind is the longest known stem that its name starts with."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import torch

from ..errors import Hallo2Error
from .audio_case import run_audio
from .case import Case, Settings, Verdict, failed, skipped
from .masks_case import run_masks
from .network_cases import (
    run_audio_proj,
    run_denoising_unet,
    run_face_locator,
    run_full_size_denoise,
    run_image_proj,
    run_reference_unet,
    run_scheduler,
)
from .networks import exact_arithmetic
from .pipeline_cases import run_longvideo, run_pipeline
from .upscaler_cases import run_sr_full, run_sr_transformer

logger = logging.getLogger("hallo2")

KINDS: dict[str, Callable[[Case, Settings], list[Verdict]]] = {
    "audio": run_audio,
    "audio_proj": run_audio_proj,
    "denoising_unet": run_denoising_unet,
    "face_locator": run_face_locator,
    "full_size_denoise": run_full_size_denoise,
    "image_proj": run_image_proj,
    "masks": run_masks,
    "pipeline": run_pipeline,
    "reference_unet": run_reference_unet,
    "scheduler": run_scheduler,
    "sr_full": run_sr_full,
    "sr_transformer": run_sr_transformer,
}
LONG_VIDEO = re.compile(r"(?P<video>longvideo.*)_(?P<part>inputs|clip(?P<number>\d+))$")
LONG = "longvideo"
HEAVY = {"full_size_denoise": "full size: only in heavy runs, which need about 10 GiB of memory"}
# Cases that take minutes on a CPU. The smaller ones cover the same code.
SLOW = {kind: "takes minutes on a CPU: not in a quick run" for kind in ("sr_full", LONG)}


@torch.inference_mode()
def run_folder(
    folder: Path, settings: Settings, heavy: bool = True, left_out: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Verdict]:
    """One verdict per case (per clip, for long videos), in the order of the file names.

    heavy: whether to run full-size cases, which need about 10 GiB of memory.  left_out: kind of case → the reason
    for skipping it.
    """
    if not folder.is_dir():
        raise Hallo2Error(f"{folder} is not a folder. Pass a folder with golden cases as .safetensors files.")
    if not heavy:
        left_out = {**left_out, **HEAVY}
    for path in sorted(folder.glob("*.safetensors")):
        case = Case(path.stem, path)
        try:
            with exact_arithmetic():
                verdicts = _run_case(case, settings, left_out)
        except Exception as error:  # an exception fails the case, and the others still run
            logger.debug("%s raised an exception", case.name, exc_info=True)
            verdicts = [failed(case.name, f"{type(error).__name__}: {error}")]
        yield from verdicts


def _run_case(case: Case, settings: Settings, left_out: Mapping[str, str]) -> list[Verdict]:
    match = LONG_VIDEO.match(case.name)
    kind = LONG if match else kind_of(case.name)
    if kind is None:
        return [skipped(case.name, f"its name starts with none of {', '.join(KINDS)}, {LONG}")]
    if match and match["part"] != "inputs" and case.path.with_name(f"{match['video']}_inputs.safetensors").exists():
        return []  # the inputs file stands for the whole video
    if kind in left_out:
        return [skipped(case.name, left_out[kind])]
    if match:
        return _run_long_video(case, match["video"], match["part"], settings)
    return KINDS[kind](case, settings)


def _run_long_video(case: Case, video: str, part: str, settings: Settings) -> list[Verdict]:
    if part != "inputs":
        return [failed(case.name, f"there is no {video}_inputs")]
    clips = long_video_clips(case.path.parent, video)
    return run_longvideo(case, clips, settings) if clips else [failed(case.name, f"there is no {video}_clip1")]


def kind_of(stem: str) -> str | None:
    """The longest kind that the name starts with: `audio_proj_large` is an `audio_proj`, not an `audio`."""
    fitting = [kind for kind in KINDS if stem.startswith(kind)]
    return max(fitting, key=len) if fitting else None


def long_video_clips(folder: Path, video: str) -> list[Case]:
    """The clips of one long video, in order."""
    clips = {}
    for path in folder.glob(f"{video}_clip*.safetensors"):
        match = LONG_VIDEO.match(path.stem)
        if match and match["video"] == video and match["number"]:
            clips[int(match["number"])] = Case(path.stem, path)
    return [clips[number] for number in sorted(clips)]
