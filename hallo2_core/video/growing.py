"""The finished part of a video, as a fragmented MP4 that grows clip by clip and plays at any time."""

from __future__ import annotations

import io
import logging
import struct
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO

import av

from ..errors import Hallo2Error, VideoError
from .clips import opened_clips, packets_of, stream_like
from .sound import SoundEncoder

if TYPE_CHECKING:
    from av.packet import Packet

    from ..audio.waveform import AudioSource

logger = logging.getLogger("hallo2")

# One fragment per clip, whose times continue those of earlier fragments. Decoding starts before time 0, which needs an
# edit list in the header, so that is written after the first frames are known.
MP4_OPTIONS = {
    "movflags": "empty_moov+delay_moov+default_base_moof+frag_discont+skip_trailer",
    "avoid_negative_ts": "disabled",
}
SOUND_AHEAD_SAMPLES = 3 * 1024  # AAC frames that the encoder holds back
HEAD = struct.Struct(">I4s")  # of a box: its size and kind
HEADER = (b"ftyp", b"moov")  # the same for every clip: only the first one's is kept


class GrowingVideo:
    """A context manager. Each clip becomes one fragment with its sound: muxed in memory and appended in one write, so
    that the file ends with a whole clip.

    path: replaced by the first clip. The file only repeats clips that are safe already, so a failure to write it is a
    warning, and the rest is left out.
    """

    def __init__(self, path: Path, fps: Fraction, audio: AudioSource) -> None:
        self.path = path
        self.frames = self._fragments = 0
        self._fps = fps
        self._is_given_up = False
        self._tray = av.open(io.BytesIO(), "w", format="mp4")  # only holds the sound's encoder; nothing is written
        self._sound = SoundEncoder(self._tray, audio)
        self._waiting: deque[Packet] = deque()

    def __enter__(self) -> GrowingVideo:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with suppress(av.FFmpegError, OSError, ValueError):
            self._tray.close()

    def append(self, clips: Path | BinaryIO, frames: int, before: int = 0) -> None:
        """clips: a file of clips, or one clip of such a file. frames: how many it holds. before: the frames before
        them in the file, which their times count from."""
        if self._is_given_up:
            return
        try:
            fragment = self._fragment(clips, frames, before)
            with self.path.open("ab" if self._fragments else "wb") as file:
                file.write(fragment)
        except (Hallo2Error, av.FFmpegError, OSError, MemoryError) as error:
            self._is_given_up = True
            logger.warning(
                "%s cannot be continued (%s). The video can be watched once it is complete; nothing of it is lost.",
                self.path,
                error,
            )
            return
        self._fragments += 1
        self.frames += frames

    def _sound_until(self, seconds: Fraction) -> Iterator[Packet]:
        """No longer than the pictures: at the end, players would go on with the sound alone."""
        encoded = self._sound.packets_until(seconds + Fraction(SOUND_AHEAD_SAMPLES, self._sound.rate_hz))
        self._waiting.extend(packet for packet in encoded if packet.pts >= 0)  # before 0 lies the encoder's delay
        while self._waiting and self._waiting[0].pts * self._waiting[0].time_base < seconds:
            yield self._waiting.popleft()

    def remove(self) -> None:
        """On Windows, a file that a player holds open stays. What stays goes with the job."""
        with suppress(OSError):
            self.path.unlink()

    def _fragment(self, clips: Path | BinaryIO, frames: int, before: int) -> bytes:
        """The clips and their sound, after the header if they are the first."""
        written = io.BytesIO()
        ticks = {"video_track_timescale": str(self._fps.numerator)}
        options = MP4_OPTIONS | ticks | {"fragment_index": str(self._fragments + 1)}
        with opened_clips(clips) as source, av.open(written, "w", format="mp4", options=options) as container:
            pictures = stream_like(source, container, 1 / self._fps)
            sound = container.add_stream_from_template(self._sound.stream)
            for packet in packets_of(source, frames, self._fps, before):
                packet.stream, packet.time_base, packet.duration = pictures, 1 / self._fps, 1
                packet.pts += self.frames
                packet.dts += self.frames
                container.mux(packet)
            for packet in self._sound_until((self.frames + frames) / self._fps):
                packet.stream = sound
                container.mux(packet)
        return b"".join(box for kind, box in boxes(written.getvalue()) if not self._fragments or kind not in HEADER)


def boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The boxes of an MP4 file, one after the other: (kind, content with its head).

    Errors: VideoError for a size that does not fit. The special sizes 0 (to the end) and 1 (a longer field follows) do
    not occur in what libavformat writes here.
    """
    start = 0
    while start < len(content):
        size, kind = HEAD.unpack_from(content, start) if start + HEAD.size <= len(content) else (0, b"")
        if not HEAD.size <= size <= len(content) - start:
            raise VideoError(f"An MP4 box at byte {start} of {len(content)} has {size} bytes, which do not fit.")
        yield kind, content[start : start + size]
        start += size
