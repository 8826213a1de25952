"""The payloads passed between steps. Immutable: a step returns a new payload and never modifies its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class RegionMasks:
    """Region masks at the four latent scales. Each entry is (h_l w_l), values 0..1, level l of side h / 2^l.

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
    """The portrait at the size of the video, with the data about its face that the networks need."""

    pixels: Tensor  # (3 h w), -1..1
    face_region: Tensor  # (3 h w), 0..1: the face box, input of the face locator; patch drop keeps it
    masks: RegionMasks
    identity: Tensor  # (512), raw embedding; zeros without a recognizer
    crop: Box  # the crop, in pixels of the source picture
    source: Tensor  # (h w 3), 0..1: the whole picture, for paste-back
    face_box: Box | None = None  # the face region, in the source picture's pixels
    notes: tuple[str, ...] = ()  # warnings, as sentences that the node shows

    @property
    def height(self) -> int:
        return self.pixels.shape[-2]

    @property
    def width(self) -> int:
        return self.pixels.shape[-1]


@dataclass(frozen=True)
class ReferenceBanks:
    """ReferenceNet's tokens at every spatial attention: block path → one (rows l c) tensor per layer of that block.

    The maker of the banks defines the rows (portrait or motion frame, unconditional or conditional face tokens).
    """

    layers: Mapping[str, tuple[Tensor, ...]]

    def rows(self, index: slice | list[int]) -> ReferenceBanks:
        return ReferenceBanks({path: tuple(bank[index] for bank in banks) for path, banks in self.layers.items()})

    def to(self, *args: object) -> ReferenceBanks:
        """As Tensor.to: a device, a dtype, or both."""
        return ReferenceBanks({path: tuple(bank.to(*args) for bank in banks) for path, banks in self.layers.items()})


@dataclass(frozen=True)
class Reference:
    """The portrait as conditioning for the denoising UNet; computed once per video."""

    portrait: Portrait
    banks: ReferenceBanks  # two rows: the portrait under unconditional, then under conditional face tokens
    face_tokens: Tensor  # (2 n d): unconditional, conditional
    face_map: Tensor  # (1 c h w): the face locator's output
    weights: tuple[str, str]  # fingerprints of the weights it was made with: the model's, the VAE's
