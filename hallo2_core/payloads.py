"""What the wires between the steps carry. Immutable: a step makes a new payload and never changes one it was given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from torch import Tensor, nn

from .config import ClipConfig, Hallo2Config, PatchDropConfig, TextControlConfig, UpscalerConfig

if TYPE_CHECKING:
    from .audio.speech_pieces import SpeechPieces
    from .audio.speech_signal import SpeechSignal
    from .audio.waveform import AudioSource
    from .models.text_control import TextControl
    from .models.upscaler.video_restorer import VideoRestorer
    from .models.wav2vec import SpeechEncoder


@dataclass(frozen=True)
class TextAdapter:
    """What lets prompts act (paper §4.3): a file of its own, beside the model it fits."""

    control: TextControl
    fingerprint: str = ""
    is_zero: bool = False  # untrained: prompts change nothing
    is_demo: bool = False  # random: prompts change something, and mean nothing

    @property
    def config(self) -> TextControlConfig:
        return self.control.config


@dataclass(frozen=True)
class Hallo2Models:
    """The five networks of `net.pth`, a VAE where the file's makers ship one (the demo), and what was attached."""

    config: Hallo2Config
    reference_net: nn.Module
    denoising_unet: nn.Module
    face_locator: nn.Module
    image_projection: nn.Module
    audio_projection: nn.Module
    vae: nn.Module | None = None
    fingerprint: str = ""
    is_demo: bool = False
    text_adapter: TextAdapter | None = None

    @property
    def networks(self) -> tuple[nn.Module, ...]:
        """All of the model's own, for whoever moves them between devices."""
        five = (
            self.reference_net, self.denoising_unet, self.face_locator, self.image_projection, self.audio_projection,
        )  # fmt: skip
        return five if self.vae is None else (*five, self.vae)


@dataclass(frozen=True)
class Upscaler:
    """The network of `net_g.pth`."""

    restorer: VideoRestorer
    fingerprint: str = ""
    is_demo: bool = False

    @property
    def config(self) -> UpscalerConfig:
        return self.restorer.config


@dataclass(frozen=True)
class SpeechEmbeddings:
    """Speech as the networks will ask for it: nothing is encoded until a clip wants its windows."""

    audio: AudioSource  # as given: what the video will carry
    encoder: SpeechEncoder
    fps: Fraction
    frames: int  # ceil(seconds × fps), at least 1
    pieces: SpeechPieces
    signal: SpeechSignal  # the same sound as the encoder hears it; keeps what it learns of the whole

    @property
    def seconds(self) -> float:
        return self.audio.samples / self.audio.rate_hz


@dataclass(frozen=True)
class RegionMasks:
    """Where speech acts, at the four latent scales. Each entry is (h_l w_l), values 0..1, level l of side h / 2^l.

    The release calls `pose` "full": it is everything but the blurred face.
    """

    pose: tuple[Tensor, ...]
    face: tuple[Tensor, ...]
    lip: tuple[Tensor, ...]


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels; right and bottom are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top


@dataclass(frozen=True)
class Portrait:
    """The portrait at the size of the video, and what the networks need to know of its face."""

    pixels: Tensor  # (3 h w), -1..1
    face_region: Tensor  # (3 h w), 0..1: the face box; the face locator's input, and what patch-drop keeps
    masks: RegionMasks
    identity: Tensor  # (512), raw embedding; zeros where no recogniser ran
    crop: Box  # what was cut out of the source picture, in its pixels
    source: Tensor  # (h w 3), 0..1: the whole picture, for paste-back
    face_box: Box | None = None  # the face region, in the source picture's pixels
    notes: tuple[str, ...] = ()  # what degraded, in sentences the node shows

    @property
    def height(self) -> int:
        return self.pixels.shape[-2]

    @property
    def width(self) -> int:
        return self.pixels.shape[-1]


@dataclass(frozen=True)
class ReferenceBanks:
    """ReferenceNet's tokens at every spatial attention: block path → one (rows l c) tensor per layer of that block.

    What a row is (portrait or motion frame, unconditional or conditional face tokens) its maker says.
    """

    layers: Mapping[str, tuple[Tensor, ...]]

    def rows(self, index: slice | list[int]) -> ReferenceBanks:
        return ReferenceBanks({path: tuple(bank[index] for bank in banks) for path, banks in self.layers.items()})

    def to(self, *args: object) -> ReferenceBanks:
        """As Tensor.to: a device, a dtype, or both."""
        return ReferenceBanks({path: tuple(bank.to(*args) for bank in banks) for path, banks in self.layers.items()})


@dataclass(frozen=True)
class Reference:
    """The portrait as the denoising UNet sees it; made once for the whole video."""

    portrait: Portrait
    banks: ReferenceBanks  # two rows: the portrait under unconditional, then under conditional face tokens
    face_tokens: Tensor  # (2 n d): unconditional, conditional
    face_map: Tensor  # (1 c h w): the face locator's output
    weights: tuple[str, str]  # the names of the weights it was made with: the model's, the VAE's


@dataclass(frozen=True)
class MotionSettings:
    """How the motion frames are made: their number, what is dropped, and what stands before the first clip."""

    clip: ClipConfig = field(default_factory=ClipConfig)
    patch_drop: PatchDropConfig = field(default_factory=PatchDropConfig)
    start_frames: Tensor | None = None  # (f h w 3), 0..1: the video goes on from these; None: from the still portrait
    colour_match: bool = False  # bring their colours back to the portrait's first
