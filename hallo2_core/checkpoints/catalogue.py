"""The known weights files: names, folders, sizes, licenses and sources."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import CheckpointError
from .detect import FileContent, file_content
from .read import read_tensors

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class KnownFile:
    """A file to download. names: accepted file names, the usual one first."""

    what: str
    folder: str  # below the models folder
    names: tuple[str, ...]
    size_bytes: int  # about
    source: str
    license: str
    contents: tuple[FileContent, ...] = ()  # accepted contents; empty for ONNX files, which are not inspected
    needed: bool = True


CATALOGUE = (
    KnownFile(
        "Hallo2's networks", "hallo2", ("net.pth", "net.safetensors"), 4_850 * MEGABYTE,
        "huggingface.co/fudan-generative-ai/hallo2, hallo2/net.pth",
        "uploaded as MIT; fine-tuned from SD 1.5 (OpenRAIL-M use restrictions)",
        (FileContent.HALLO2,),
    ),
    KnownFile(
        "SD 1.x VAE", "vae",
        ("sd-vae-ft-mse.safetensors", "vae-ft-mse-840000-ema-pruned.safetensors",
         "diffusion_pytorch_model.safetensors"),
        335 * MEGABYTE,
        "huggingface.co/stabilityai/sd-vae-ft-mse, diffusion_pytorch_model.safetensors",
        "MIT",
        (FileContent.VAE, FileContent.SD_VAE),  # the host's loader reads both
    ),
    KnownFile(
        "speech encoder", "audio_encoders", ("wav2vec2-base-960h.safetensors",), 378 * MEGABYTE,
        "huggingface.co/facebook/wav2vec2-base-960h, model.safetensors",
        "Apache-2.0",
        (FileContent.SPEECH_ENCODER,),
    ),
    KnownFile(
        "upscaler", "hallo2", ("net_g.pth", "net_g.safetensors"), 905 * MEGABYTE,
        "huggingface.co/fudan-generative-ai/hallo2, hallo2/net_g.pth",
        "fine-tuned from CodeFormer: S-Lab License 1.0, non-commercial",
        (FileContent.UPSCALER,),
        needed=False,
    ),
    KnownFile(
        "face detector", "hallo2/face_analysis", ("scrfd_10g_bnkps.onnx",), 17 * MEGABYTE,
        "huggingface.co/fudan-generative-ai/hallo2, face_analysis/models/scrfd_10g_bnkps.onnx",
        "non-commercial research only",
        needed=False,
    ),
    KnownFile(
        "face recognizer", "hallo2/face_analysis", ("glintr100.onnx",), 261 * MEGABYTE,
        "huggingface.co/fudan-generative-ai/hallo2, face_analysis/models/glintr100.onnx",
        "non-commercial research only",
        needed=False,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class FileReport:
    """The result of the check for one known file."""

    known: KnownFile
    path: Path | None  # None: not found under any of its names
    problem: str = ""

    @property
    def is_usable(self) -> bool:
        return self.path is not None and not self.problem


def check_models(models: Path) -> Iterator[FileReport]:
    """Check every known file in a models folder with ComfyUI's layout. Weights are opened, not loaded."""
    if not models.is_dir():
        raise CheckpointError(f"There is no folder {models}. Pass ComfyUI's models folder with --models.")
    for known in CATALOGUE:
        paths = (models / known.folder / name for name in known.names)
        path = next((path for path in paths if path.exists()), None)
        yield FileReport(known, path, "" if path is None else _problem(known, path))


def _problem(known: KnownFile, path: Path) -> str:
    if not known.contents:
        return "" if path.stat().st_size else "it is empty: download it again"
    try:
        content = file_content(read_tensors(path).shapes)
    except CheckpointError as error:
        return str(error)
    return "" if content in known.contents else f"it seems to be {content.value}: download {known.source}"
