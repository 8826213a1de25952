"""One video → the records of its clips in the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from ...audio.speech_embeddings import WINDOW_REACH, SpeechWindows, encode_speech
from ...config import RELEASED_FPS
from ...errors import AudioError, VideoError
from ...models.latents import VAECodec, encode_pictures
from ...models.wav2vec import SpeechEncoder
from ...portrait.face_analysis import FaceAnalysis
from ...runtime import Runtime
from ..clip_records import CAPTION, FACE_BOX, FEATURES, FRAMES, IDENTITY, LATENTS, MASKS, caption_tensor
from ..vae_stage import pixels_of
from .clip_pixels import ClipPixels, clip_regions
from .clip_spans import ClipSpan, clip_spans
from .dataset_config import FEWEST_FRAMES, Dataset
from .frame_rate import Position, frames_at_rate
from .shard_series import ShardSeries, VideoReport
from .skipped import DAMAGED, Skipped, Unusable
from .sound import MOST_DIFFERENCE_SECONDS, checked_sound
from .source_videos import SourceVideo

FPS = Fraction(RELEASED_FPS)


@dataclass(frozen=True)
class Encoders:
    """What makes records from videos; all of it stays frozen."""

    faces: FaceAnalysis
    vae: VAECodec
    speech: SpeechEncoder
    runtime: Runtime


def prepare_video(
    video: SourceVideo, dataset: Dataset, encoders: Encoders, show: Callable[[float], None]
) -> VideoReport:
    """Continues where a stopped run ended. What cannot be learned from is in the report.

    show: receives the seconds done, after every clip.  Errors: whatever the runtime raises to cancel.
    """
    shards = ShardSeries(dataset.cache, video)
    try:
        for found in _clips(video, dataset, encoders, shards.position):
            if isinstance(found, Skipped):
                shards.skip(found)
            else:
                span, record = found
                shards.add(record, span.frames, span.end)
                show(float(span.stop / FPS))
    except Unusable as unusable:
        shards.skip(Skipped(unusable.reason.name, unusable.detail))
    except (AudioError, VideoError) as error:
        shards.skip(Skipped(DAMAGED.name, str(error), start_seconds=float(shards.position.frame / FPS)))
    return shards.finish()


def _clips(
    video: SourceVideo, dataset: Dataset, encoders: Encoders, start: Position
) -> Iterator[tuple[ClipSpan, dict[str, Tensor]] | Skipped]:
    sound, info = checked_sound(video, FEWEST_FRAMES, FPS)
    windows = encode_speech(sound, encoders.speech, FPS).windows(1, encoders.runtime)
    pixels = ClipPixels(frames_at_rate(video.video, FPS, start), start)
    seen = _Counted(frames_at_rate(video.video, FPS, start), start.frame, encoders.runtime)
    for span in clip_spans(seen, start.frame, windows.frames, dataset.target_frames, FPS, encoders.faces):
        if isinstance(span, Skipped):
            yield span
            continue
        try:
            frames, crop = pixels.take(span, dataset.resolution)
        except Unusable as unusable:
            seconds = (float(frame / FPS) for frame in (span.start.frame, span.stop))
            yield Skipped(unusable.reason.name, unusable.detail, *seconds)
            continue
        boxes, masks = clip_regions(span, crop, dataset.resolution)
        yield span, _record(video, span, frames, boxes, masks, windows, encoders)
    seconds = float(seen.frame / FPS)
    if info.seconds is not None and info.seconds - seconds > MOST_DIFFERENCE_SECONDS:
        yield Skipped(DAMAGED.name, f"the picture ends after {seconds:.2f} of {info.seconds:.2f} s", seconds)


@torch.no_grad()
def _record(
    video: SourceVideo,
    span: ClipSpan,
    frames: Tensor,
    boxes: Tensor,
    masks: Tensor,
    windows: SpeechWindows,
    encoders: Encoders,
) -> dict[str, Tensor]:
    """As `clip_records.clip_record`, with what is detected in place of the truth, "identity" (512), zeros without a
    network for it, and "caption"."""
    return {
        FRAMES: frames,
        LATENTS: encode_pictures(encoders.vae, pixels_of(frames)).cpu().half(),
        FEATURES: windows.clip(span.start.frame, span.frames)[:, WINDOW_REACH].half(),
        MASKS: masks,
        FACE_BOX: boxes,
        IDENTITY: span.identity,
        CAPTION: caption_tensor(video.caption),
    }


class _Counted:
    """Frames as they are seen; stops between two of them when the user cancels."""

    def __init__(self, pictures: Iterator[tuple[int, Tensor]], first: int, runtime: Runtime) -> None:
        self._pictures, self._runtime = pictures, runtime
        self.frame = first  # how many have been seen

    def __iter__(self) -> Iterator[tuple[int, Tensor]]:
        for seen in self._pictures:
            self._runtime.check_cancelled()
            self.frame += 1
            yield seen
