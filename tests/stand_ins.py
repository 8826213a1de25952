"""Stand-ins for parts that a test does not cover: the UNets, the speech encoder, the runtime."""

from dataclasses import dataclass, replace
from fractions import Fraction

import torch
from einops import rearrange, reduce, repeat
from tiny import CONFIG, normal
from torch import Tensor, nn

from hallo2_core.models.hallo2_models import Hallo2Models
from hallo2_core.payloads import ReferenceBanks
from hallo2_core.runtime import LocalRuntime


@dataclass(frozen=True)
class FakeSpeech:
    """Speech that is nothing but a number of frames."""

    frames: int
    fps: Fraction = Fraction(25)

    def windows(self, clip_frames: int, runtime: LocalRuntime) -> "FakeWindows":
        return FakeWindows(self, clip_frames, runtime)


class FakeWindows:
    """In the place of `SpeechWindows`: random features that depend on nothing but a frame's number."""

    def __init__(self, speech: FakeSpeech, clip_frames: int, runtime: LocalRuntime) -> None:
        pass

    def clip(self, first: int, frames: int) -> Tensor:
        config = CONFIG.audio_projection
        shape = config.window_frames, config.layers, config.feature_width
        return torch.stack([normal(1000 + frame, *shape) for frame in range(first, first + frames)])


class ReferenceNetStandIn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))  # says the dtype

    def forward(self, latents: Tensor, face_tokens: Tensor) -> ReferenceBanks:
        return ReferenceBanks({"mid_block": (rearrange(latents, "b c h w -> b (h w) c"),)})


class DenoisingUNetStandIn(nn.Module):
    """Predicts, all over a frame, how much its audio tokens vary. Counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))  # says the dtype
        self.calls = 0

    def portrait_conditions(self, banks, face_tokens, face_map, masks) -> None:
        return None

    def clip_conditions(self, portrait, motion_banks, audio_tokens, region_weights, reference_rows) -> Tensor:
        assert audio_tokens.shape[0] == region_weights.shape[1] == len(reference_rows)
        return audio_tokens.std(dim=(1, 2))

    def forward(self, latents: Tensor, timestep: int, conditions: Tensor) -> Tensor:
        self.calls += 1
        cond_batch = latents.shape[0] // conditions.shape[0]
        return repeat(conditions, "f -> (b f) 1 1 1", b=cond_batch).expand_as(latents)


def with_stand_in_unets(models: Hallo2Models) -> Hallo2Models:
    """Everything else stays real."""
    return replace(models, reference_net=ReferenceNetStandIn(), denoising_unet=DenoisingUNetStandIn())


class PressedCancelError(Exception):
    """A host's own way to say that the user pressed cancel."""


class RecordingRuntime(LocalRuntime):
    """Keeps what it is told. Once it has heard `cancel_after` reports of progress it cancels."""

    def __init__(self, cancel_after: int | None = None) -> None:
        super().__init__("cpu")
        self.cancel_after = cancel_after
        self.reports: list[tuple[int, int]] = []
        self.previews: list[Tensor] = []
        self.made_ready: list[tuple[nn.Module, ...]] = []

    def ready(self, *modules: nn.Module) -> None:
        self.made_ready.append(modules)

    def check_cancelled(self) -> None:
        if self.cancel_after is not None and len(self.reports) >= self.cancel_after:
            raise PressedCancelError

    def progress(self, done: int, total: int, preview: Tensor | None = None) -> None:
        self.reports.append((done, total))
        if preview is not None:
            self.previews.append(preview)


class RoomyRuntime(RecordingRuntime):
    """Has room for two networks at once, as a large card has."""

    def has_room(self, working_bytes: float) -> bool:
        return True


class PixelCodec:
    """In the place of the VAE: a latent is the mean of its eight by eight pixels. Takes next to no time."""

    fingerprint = "pixels"

    def encode(self, picture: Tensor) -> Tensor:
        means = reduce(picture, "b c (h i) (w j) -> b c h w", "mean", i=8, j=8)
        return torch.cat([means, means[:, :1]], dim=1)

    def decode(self, latents: Tensor) -> Tensor:
        return repeat(latents[:, :3].clamp(0, 1), "b c h w -> b c (h i) (w j)", i=8, j=8)
