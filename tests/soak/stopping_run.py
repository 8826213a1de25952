"""One run of a small job that can kill its own process at a named moment.

    python tests/soak/stopping_run.py VOICE OUT.mp4 [--stop MOMENT --at CLIP] [--largest-file BYTES]

The package is not patched: its job, target and runtime are replaced by subclasses that stop at the given moment.
Prints progress, one per line: "resumed CLIPS", "kept CLIPS", and at the end "done" with the result as JSON.
"""

import argparse
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import torch  # noqa: E402
from seeded_render import seeded_render  # noqa: E402
from torch import Tensor  # noqa: E402

from hallo2_core.animation.job_key import render_key  # noqa: E402
from hallo2_core.animation.render import render_video  # noqa: E402
from hallo2_core.audio.sound_file import FileAudio  # noqa: E402
from hallo2_core.errors import Hallo2Error  # noqa: E402
from hallo2_core.jobs.job import Job  # noqa: E402
from hallo2_core.jobs.journal import Journal, KeptFile  # noqa: E402
from hallo2_core.jobs.key import JobKey  # noqa: E402
from hallo2_core.runtime import LocalRuntime  # noqa: E402
from hallo2_core.video.target import TargetFile  # noqa: E402

# In order. The clip being written when the run stops counts from the moment after "journal written".
MOMENTS = (
    "clip encoded",
    "clip torn",  # half of its bytes are written
    "clip synced",
    "state written",
    "journal written",
    "joining",
    "name announced",
    "video published",
)
AFTER_THE_LAST_CLIP = MOMENTS[5:]


class StoppingJob(Job):
    def __init__(self, folder: Path, key: JobKey, moment: str | None, clip: int) -> None:
        super().__init__(folder, key)
        self._moment, self._clip = moment, clip

    def __enter__(self) -> Job:
        super().__enter__()
        say(f"resumed {self.journal.clips}")
        return self

    def reached(self, moment: str) -> None:
        """SIGKILL to this process: no handler, no `finally`, no flushed buffer."""
        if moment == self._moment and (self.journal.clips >= self._clip or moment in AFTER_THE_LAST_CLIP):
            os.kill(os.getpid(), signal.SIGKILL)

    def append(self, clip: bytes, frames: int, state: Mapping[str, Tensor]) -> None:
        self.reached("clip encoded")
        super().append(clip, frames, state)
        say(f"kept {self.journal.clips}")

    def _write_clip(self, segment: KeptFile, clip: bytes) -> None:
        if self._moment == "clip torn" and self.journal.clips >= self._clip:
            super()._write_clip(segment, clip[: len(clip) // 2])
        self.reached("clip torn")
        super()._write_clip(segment, clip)
        self.reached("clip synced")

    def _write_journal(self, journal: Journal) -> None:
        self.reached("state written")
        super()._write_journal(journal)
        self.reached("journal written" if journal.video is None else "name announced")

    def publish(self, video: TargetFile) -> None:
        super().publish(StoppingTarget(video, self))


class StoppingTarget:
    """The target, which stops after the rename, before its job records it."""

    def __init__(self, target: TargetFile, job: StoppingJob) -> None:
        self._target, self._job = target, job

    @property
    def path(self) -> Path:
        return self._target.path

    def settle(self) -> int:
        return self._target.settle()

    def publish(self) -> None:
        self._target.publish()
        self._job.reached("video published")


class StoppingRuntime(LocalRuntime):
    """Stops in the middle of joining, recognized by repeated calls after the last clip."""

    def __init__(self, clips: int) -> None:
        super().__init__()
        self.job: StoppingJob | None = None
        self._clips, self._asked = clips, 0

    def check_cancelled(self) -> None:
        if self.job is not None and self.job.journal.clips == self._clips:
            self._asked += 1
            if self._asked > 50:
                self.job.reached("joining")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("voice", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--stop", choices=MOMENTS)
    parser.add_argument("--at", type=int, default=0, help="when so many clips are finished")
    parser.add_argument("--largest-file", type=int, help="bytes: a stand-in for a full disk")
    arguments = parser.parse_args()
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    torch.set_num_threads(1)

    render = seeded_render(FileAudio(arguments.voice))
    clip_frames = render.inputs.motion.clip.frames
    runtime = StoppingRuntime(-(-render.speech.frames // clip_frames))
    folder = arguments.out.with_name(f"{arguments.out.name}.hallo2")
    runtime.job = StoppingJob(folder, render_key(render, runtime), arguments.stop, arguments.at)
    if arguments.largest_file is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (arguments.largest_file, arguments.largest_file))
    started = time.monotonic()
    try:
        video = render_video(render, runtime.job, arguments.out, runtime)
    except Hallo2Error as error:
        sys.stderr.write(f"{error}\n")
        return 2
    seconds = round(time.monotonic() - started, 3)
    say("done " + json.dumps({"frames": video.frames, "resumed": video.resumed_from_clip, "seconds": seconds}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
