"""Tables 3 to 5, Figures 6 and 12: a video with each treatment of the motion frames, measured while it is made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from PIL import Image
from quality.clips import AT_ONCE, SPLIT, SmallPipeline
from quality.long_video import VARIANTS, identity_over_time
from torch import Tensor

from hallo2_core.config import LATENT_CHANNELS
from hallo2_core.evaluation.feature_streams import BatchedStream
from hallo2_core.evaluation.flicker import Flicker
from hallo2_core.evaluation.seams import Seams
from hallo2_core.evaluation.set_distance import SetDistance
from hallo2_core.payloads import Portrait
from hallo2_core.training.actor_recognition import ActorRecognizer
from hallo2_core.training.cartoons import FPS, Actor, Performance, Truth, draw, measure, performance
from hallo2_core.training.frame_reading import FrameReader
from hallo2_core.training.mouth_reading import correlation, mouth_reader

DRAWN = "drawn"  # instead of a treatment: the true frames through the VAE, the best that the model could do
CELLS = 4  # features are means of the latents over so many cells each way
LEAST_WINDOW_SECONDS, MOST_WINDOWS = 1.28, 40
SHOWN = 6  # frames of the strip


@dataclass(frozen=True)
class LongVideos:
    """The videos of one actor with one voice, `seconds` long."""

    pipeline: SmallPipeline
    recognizer: ActorRecognizer
    seed: int
    seconds: float

    def measured(self, variant: str, strip: Path) -> dict[str, Any]:
        """variant: of VARIANTS, or DRAWN. strip: where some of the frames go, side by side. Holds one clip."""
        clips = self._drawn_clips() if variant == DRAWN else self._made_clips(variant)
        if variant == DRAWN:
            clips = map(self.pipeline.through_vae, clips)
        watch = _Watch(self)
        identity = identity_over_time(watch.watched(clips), self.recognizer, self.seed, self.played, self._size_px)
        watch.save_strip(strip)
        return {
            "identity_first": identity.first,
            "identity_last": identity.last,
            "identity_kept": identity.kept,
            **watch.figures(),
        }

    @cached_property
    def played(self) -> Performance:
        return performance(self.seed, SPLIT, self.seconds)

    @cached_property
    def portrait(self) -> Portrait:
        return self.pipeline.portrait(self.seed, self.played)

    @cached_property
    def truth(self) -> Truth:
        return measure(Actor.from_seed(self.seed, SPLIT), self.played.tracks, self._size_px)

    @cached_property
    def reader(self) -> FrameReader:
        return mouth_reader(self.seed, SPLIT, self._size_px)

    @cached_property
    def distance(self) -> SetDistance:
        """Stands for FID: between latents of made frames and of the drawn ones, by means over 4×4 cells."""

        def features(frames: Tensor) -> Tensor:
            """frames: (f h w 3) uint8.  Returns (f d)."""
            pixels = rearrange(frames, "f h w c -> f c h w") / 127.5 - 1
            return rearrange(F.adaptive_avg_pool2d(self.pipeline.vae.encode(pixels), CELLS), "f c h w -> f (c h w)")

        stream = BatchedStream(CELLS**2 * LATENT_CHANNELS, lambda frame: frame, features)
        distance = SetDistance("distance", stream)
        distance.take_real(frame for clip in self._drawn_clips() for frame in as_levels(clip))
        return distance

    @property
    def window_frames(self) -> int:
        return max(round(LEAST_WINDOW_SECONDS * FPS), self.played.frames // MOST_WINDOWS)

    @property
    def _size_px(self) -> int:
        return self.pipeline.settings.size_px

    def _made_clips(self, variant: str) -> Iterator[Tensor]:
        return self.pipeline.talk(self.portrait, self.played.samples, patch_drop=VARIANTS[variant])

    def _drawn_clips(self) -> Iterator[Tensor]:
        actor = Actor.from_seed(self.seed, SPLIT)
        for first in range(0, self.played.frames, AT_ONCE):
            yield draw(actor, self.played.tracks[first : first + AT_ONCE], self._size_px)


class _Watch:
    """Measures clips on their way."""

    def __init__(self, videos: LongVideos) -> None:
        self._videos = videos
        self._measures = (
            videos.distance.of_video(videos.window_frames),
            Flicker(),
            Seams(videos.pipeline.settings.clip_frames),
        )
        self._mouth: list[Tensor] = []
        self._distances: list[float] = []
        frames = videos.played.frames
        self._wanted = {round(place * (frames - 1) / (SHOWN - 1)) for place in range(SHOWN)}
        self._shown: list[Tensor] = []
        self._number = 0

    def watched(self, clips: Iterable[Tensor]) -> Iterator[Tensor]:
        """clips: (f h w 3), 0..1."""
        for clip in clips:
            self._mouth.append(self._videos.reader.read(clip)[:, 0])
            for frame in as_levels(clip):
                for one in self._measures:
                    found = one.add(frame, None)
                    if "distance" in found:
                        self._distances.append(found["distance"])
                if self._number in self._wanted:
                    self._shown.append(frame)
                self._number += 1
            yield clip

    def figures(self) -> dict[str, Any]:
        found = {name: value for one in self._measures for name, value in one.figures().items()}
        mouth = correlation(torch.cat(self._mouth), self._videos.truth.mouth_opening)
        return found | {"mouth": mouth, "distances": self._distances, "window_frames": self._videos.window_frames}

    def save_strip(self, path: Path) -> None:
        save_strip(self._shown, path)


@torch.inference_mode()
def as_levels(frames: Tensor) -> Tensor:
    """frames: 0..1.  Returns uint8."""
    return (frames.clamp(0, 1) * 255).round().byte()


def save_strip(frames: list[Tensor], path: Path) -> None:
    """frames: (h w 3) uint8, side by side."""
    Image.fromarray(rearrange(torch.stack(frames), "f h w c -> h (f w) c").numpy()).save(path)
