"""The frames that an animation has finished so far, read by other machines while it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path, PurePosixPath

from torch import Tensor

from ..errors import Hallo2Error, JobError
from ..jobs.journal import NAME, PREVIOUS, Journal, parse_journal
from ..video.read_clips import read_clips
from ..video.reader import read_frames
from ..video.source import TrimmedVideo
from .mirror import COPY
from .remote import is_remote
from .shared_folder import shared_folder

LOOKS = 3  # a copy may be replaced by a newer one while it is looked for


class UnfinishedVideo:
    """Its finished clips while it is made, its file afterwards. Read-only."""

    def __init__(self, job: str, scratch: Path, fps: Fraction) -> None:
        """job: the path of the animation's job, or its address. scratch: an own folder for copies of remote files."""
        self._place, self._scratch, self._fps = job, scratch, fps
        self._folder = shared_folder(job)

    def journal(self) -> Journal:
        """The newest one that others can see. Errors: JobError if there is none."""
        for _ in range(LOOKS):
            copies = [f"{name}/{NAME}" for name in self._folder.names() if name.startswith(COPY)]
            for name in (*reversed(copies), NAME, PREVIOUS):
                content = self._folder.read(name)
                journal = None if content is None else parse_journal(content)
                if journal is not None:
                    return journal
        raise JobError(f"{self._place} has no journal: its video was removed. Start it again.")

    def frames(self, wanted: range) -> Iterator[Tensor]:
        """(h w 3) uint8. wanted: finished ones."""
        sent = 0
        try:
            for frame in self._frames(self.journal(), wanted):
                yield frame
                sent += 1
        except (FileNotFoundError, Hallo2Error):
            journal = self.journal()
            if journal.segments:
                raise
            yield from self._frames(journal, wanted[sent:])  # finished in the meantime, and its clips removed

    def _frames(self, journal: Journal, wanted: range) -> Iterator[Tensor]:
        if not journal.segments:
            source = TrimmedVideo(self._video(journal), wanted.start / self._fps)
            yield from islice(read_frames(source), len(wanted))
            return
        first, left = 0, wanted
        for segment in journal.segments:
            if left and left.start < first + segment.frames:
                path = self._folder.fetch(segment.name, self._scratch)
                taken = min(len(left), first + segment.frames - left.start)
                found = read_clips(path, segment.size_bytes, segment.frames, left.start - first)
                yield from islice(found, taken)
                left = left[taken:]
            first += segment.frames
        if left:
            raise JobError(f"{self._place} has {first} finished frames; {wanted.stop} were expected. Start it again.")

    def _video(self, journal: Journal) -> Path:
        """The finished file."""
        if not is_remote(self._place):
            video = journal.published(Path(self._place))
            if video is None:
                raise JobError(f"{self._place} is finished, but its video was removed. Start it again.")
            return video
        name = PurePosixPath(journal.video or "").name
        path = self._scratch / name
        if not path.is_file() or path.stat().st_size != journal.video_bytes:
            shared_folder(self._place.rpartition("/")[0]).fetch(name, self._scratch)
        return path
