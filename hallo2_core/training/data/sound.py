"""The sound of a source video, checked against its picture before the long work starts."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av

from ...audio.sound_file import FileAudio
from ...errors import AudioError, VideoError
from ...video.container import opened, origin_of
from ...video.reader import VideoInfo, probe
from .skipped import DAMAGED, NO_SOUND, OTHER_LENGTH, SOUND_STARTS_LATE, TOO_SHORT, Unusable
from .source_videos import SourceVideo

MOST_DIFFERENCE_SECONDS = 0.5  # of the lengths; encoders leave sound and picture a few frames apart
MOST_LEAD_SECONDS = 0.04  # one frame


def checked_sound(video: SourceVideo, fewest_frames: int, fps: Fraction) -> tuple[FileAudio, VideoInfo]:
    """Decodes the sound once. Errors: Unusable."""
    try:
        info = probe(video.video)
        if video.sound == video.video:
            if not info.has_audio:
                raise Unusable(NO_SOUND, "the file has no audio stream")
            _check_they_start_together(video.video)
    except VideoError as error:
        raise Unusable(DAMAGED, str(error)) from error
    try:
        sound = FileAudio(video.sound, is_strict=True)
    except AudioError as error:
        reason = DAMAGED if video.sound.is_file() else NO_SOUND
        raise Unusable(reason, str(error)) from error
    sound_seconds = sound.samples / sound.rate_hz
    seconds = sound_seconds if info.seconds is None else info.seconds
    if seconds * fps < fewest_frames:
        raise Unusable(TOO_SHORT, f"{seconds:.2f} s")
    if abs(sound_seconds - seconds) > MOST_DIFFERENCE_SECONDS:
        raise Unusable(OTHER_LENGTH, f"sound {sound_seconds:.2f} s, picture {seconds:.2f} s")
    return sound, info


def _check_they_start_together(path: Path) -> None:
    """Sound is counted from its first sample, frames from the file's beginning."""
    with opened(path) as container:
        origin = origin_of(path, container)
    with av.open(str(path.absolute()), metadata_errors="replace") as container:
        frame = next(container.decode(audio=0), None)
    if frame is None or frame.pts is None:
        return
    lead = float(frame.pts * frame.time_base - origin)
    if abs(lead) > MOST_LEAD_SECONDS:
        raise Unusable(SOUND_STARTS_LATE, f"the sound starts {lead:+.2f} s from the picture")
