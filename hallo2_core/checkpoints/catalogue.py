"""The known weights files: names, folders, sizes, licenses and sources."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from urllib.parse import quote

from .detect import FileContent

MEGABYTE = 1_000_000
HUB = "https://huggingface.co"


class Purpose(Enum):
    """What a file is for. Values are the choices of the command line and of saved workflows."""

    ANIMATION = "animation"
    UPSCALING = "upscaling"
    IDENTITY = "identity"


EVERYTHING = "everything"  # the choice of all purposes


@dataclass(frozen=True)
class KnownFile:
    """A file to download. names: accepted file names, the usual one first."""

    what: str
    folder: str  # below the models folder
    names: tuple[str, ...]
    size_bytes: int  # exact if the hash is known, else about
    repository: str  # on Hugging Face
    path: str  # in the repository
    revision: str  # a commit, so that the content never changes
    license: str
    purpose: Purpose
    contents: tuple[FileContent, ...] = ()  # accepted contents; empty for ONNX files, which are not inspected
    sha256: str = ""  # empty if no published hash could be verified

    @property
    def name(self) -> str:
        return self.names[0]

    @property
    def needed(self) -> bool:
        """Whether animation with the released weights needs it."""
        return self.purpose is Purpose.ANIMATION

    @property
    def source(self) -> str:
        """For messages."""
        return f"huggingface.co/{self.repository}, {self.path}"

    def url(self, endpoint: str = HUB) -> str:
        return f"{endpoint}/{self.repository}/resolve/{self.revision}/{quote(self.path)}"


RELEASE = "fudan-generative-ai/hallo2"
RELEASE_COMMIT = "ba6eea56b2a4b5a4c1bd561f1b8f5e682fae926b"  # replaced net.pth; all other files are older
RESEARCH_ONLY = "non-commercial research only (InsightFace's models)"

CATALOGUE = (
    KnownFile(
        "Hallo2's networks", "hallo2", ("net.pth", "net.safetensors"), 4_850 * MEGABYTE,
        RELEASE, "hallo2/net.pth", RELEASE_COMMIT,
        "uploaded as MIT; fine-tuned from SD 1.5 (OpenRAIL-M use restrictions)",
        Purpose.ANIMATION, (FileContent.HALLO2,),
    ),
    KnownFile(
        "SD 1.x VAE", "vae",
        ("vae-ft-mse-840000-ema-pruned.safetensors", "sd-vae-ft-mse.safetensors",
         "diffusion_pytorch_model.safetensors"),
        334_641_190,
        "stabilityai/sd-vae-ft-mse-original", "vae-ft-mse-840000-ema-pruned.safetensors",
        "629b3ad3030ce36e15e70c5db7d91df0d60c627f",
        "MIT",
        Purpose.ANIMATION, (FileContent.VAE, FileContent.SD_VAE),
        "735e4c3a447a3255760d7f86845f09f937809baa529c17370d83e4c3758f3c75",
    ),
    KnownFile(
        "speech encoder", "audio_encoders", ("wav2vec2-base-960h.safetensors",), 377_607_901,
        "facebook/wav2vec2-base-960h", "model.safetensors", "22aad52d435eb6dbaf354bdad9b0da84ce7d6156",
        "Apache-2.0",
        Purpose.ANIMATION, (FileContent.SPEECH_ENCODER,),
        "8aa76ab2243c81747a1f832954586bc566090c83a0ac167df6f31f0fa917d74a",
    ),
    KnownFile(
        "upscaler", "hallo2", ("net_g.pth", "net_g.safetensors"), 905 * MEGABYTE,
        RELEASE, "hallo2/net_g.pth", RELEASE_COMMIT,
        "fine-tuned from CodeFormer: S-Lab License 1.0, non-commercial",
        Purpose.UPSCALING, (FileContent.UPSCALER,),
    ),
    KnownFile(
        "face detector", "hallo2/face_analysis", ("scrfd_10g_bnkps.onnx",), 17 * MEGABYTE,
        RELEASE, "face_analysis/models/scrfd_10g_bnkps.onnx", RELEASE_COMMIT, RESEARCH_ONLY, Purpose.IDENTITY,
    ),
    KnownFile(
        "face recognizer", "hallo2/face_analysis", ("glintr100.onnx",), 261 * MEGABYTE,
        RELEASE, "face_analysis/models/glintr100.onnx", RELEASE_COMMIT, RESEARCH_ONLY, Purpose.IDENTITY,
    ),
)  # fmt: skip
