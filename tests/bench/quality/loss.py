"""What an accelerated video loses against the exact one of the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from statistics import fmean

from torch import Tensor

from hallo2_core.inspection.seams import SeamJump, change_between, is_seam
from hallo2_core.training.actor_recognition import ActorRecognizer, face_place
from hallo2_core.training.cartoons import Actor, draw
from hallo2_core.training.frame_reading import FrameReader
from hallo2_core.training.mouth_reading import correlation

from .clips import SPLIT, Clip
from .picture import decibels


@dataclass(frozen=True)
class Quality:
    """Means over some clips."""

    sync: float  # correlation of the mouth's opening with the truth
    identity: float  # cosine of the face to the drawn actor
    seam_jump: float  # change at clip borders relative to that inside clips; lower is better
    sharpness: float  # mean step between neighboring pixels

    def losses(self, exact: Quality) -> dict[str, float]:
        """Relative to the exact video, 0 where nothing is lost. A sharper picture is a loss too: it differs."""
        return {
            "sync": max(1.0 - self.sync / exact.sync, 0.0),
            "identity": max(1.0 - self.identity / exact.identity, 0.0),
            "seam_jump": max(self.seam_jump / exact.seam_jump - 1.0, 0.0),
            "sharpness": abs(self.sharpness / exact.sharpness - 1.0),
        }

    def loss(self, exact: Quality) -> float:
        """The largest of them."""
        return max(self.losses(exact).values())


class Judge:
    """Measures made clips of actors whose readers are given."""

    def __init__(self, recognizer: ActorRecognizer, readers: Sequence[FrameReader]) -> None:
        self._recognizer = recognizer
        self._readers = readers

    def quality(self, clips: Sequence[Clip], clip_frames: int) -> Quality:
        each = [self._of(clip, reader, clip_frames) for clip, reader in zip(clips, self._readers, strict=True)]
        return Quality(**{field.name: fmean(asdict(one)[field.name] for one in each) for field in fields(Quality)})

    def _of(self, clip: Clip, reader: FrameReader, clip_frames: int) -> Quality:
        size = clip.made.shape[1]
        box = face_place(clip.seed, SPLIT, size)
        known = self._recognizer.embed(draw(Actor.from_seed(clip.seed, SPLIT), clip.played.tracks[0:1], size), box)[0]
        return Quality(
            sync=correlation(reader.read(clip.made)[:, 0], clip.truth.mouth_opening),
            identity=float((self._recognizer.embed(clip.made, box) @ known).mean()),
            seam_jump=seam_jump(clip.made, clip_frames),
            sharpness=sharpness(clip.made),
        )


def seam_jump(frames: Tensor, clip_frames: int) -> float:
    """frames: (f h w 3), 0..1, of at least two clips."""
    levels, jump = (frames * 255).round().byte(), SeamJump()
    for number in range(1, len(levels)):
        jump.add(change_between(levels[number - 1], levels[number]), is_seam(number, clip_frames))
    if jump.value is None:
        raise ValueError(f"{len(frames)} frames have no seam between clips of {clip_frames}, or do not move")
    return jump.value


def sharpness(frames: Tensor) -> float:
    """frames: (f h w 3)."""
    return fmean(float(frames.diff(dim=axis).abs().mean()) for axis in (1, 2))


def decibels_between(clips: Sequence[Clip], exact: Sequence[Clip]) -> float:
    """PSNR of the made frames to the exact ones."""
    return decibels([clip.made - other.made for clip, other in zip(clips, exact, strict=True)])
