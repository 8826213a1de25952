"""Kill a job repeatedly; the result must equal that of an uninterrupted run.

    python tests/soak/kill_and_resume.py [--kills 20] [--seed 0] [--seconds 8]

Jobs of seeded networks (64x64, one step) are killed with SIGKILL, alternating between a random time and each of the
moments that a random time rarely hits, such as between the sync of a clip and its journal. Then a disk fills up, and a
journal is truncated. Every restart must continue at the first unfinished clip; the frames and their number must be
those of an uninterrupted run; the sound must be the input, without a gap; and no other files may be left.
Prints its steps and results; exit status 1 if anything is wrong.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "soak")]

import numpy as np  # noqa: E402
from seeded_render import VOICE  # noqa: E402
from stopping_run import AFTER_THE_LAST_CLIP, MOMENTS  # noqa: E402
from video_on_script import decoded_sound, lag_samples  # noqa: E402

from hallo2_core.audio.speech_embeddings import count_frames  # noqa: E402
from hallo2_core.video.reader import read_frames  # noqa: E402

FPS, CLIP_FRAMES = 25, 16
LONGEST_RUN_SECONDS = 600
LEAST_CORRELATION, LEAST_OF_A_SECOND = 0.999, 0.98
QUIET_DBFS = -35.0
MOST_LAG_SECONDS = 0.005
FINISHED = {"voice.wav", "a.mp4", "a.mp4.hallo2/journal.json"}


class WrongError(Exception):
    """A failed check."""


def check(is_right: bool, what: str) -> None:
    if not is_right:
        raise WrongError(what)


class Run:
    """A run in a separate process, and its output."""

    def __init__(self, folder: Path, *options: str) -> None:
        script = Path(__file__).with_name("stopping_run.py")
        self._process = subprocess.Popen(
            [sys.executable, str(script), str(folder / "voice.wav"), str(folder / "a.mp4"), *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        self.resumed = self.kept = -1
        self.result: dict[str, float] = {}
        self._errors: list[str] = []
        self._listeners = [threading.Thread(target=self._listen), threading.Thread(target=self._listen_to_errors)]
        for listener in self._listeners:
            listener.start()

    def _listen(self) -> None:
        for line in self._process.stdout:
            word, _, rest = line.partition(" ")
            if word == "resumed":
                self.resumed = self.kept = int(rest)
            elif word == "kept":
                self.kept = int(rest)
            elif word == "done":
                self.result = json.loads(rest)

    def _listen_to_errors(self) -> None:
        self._errors.extend(self._process.stderr)

    def wait_until_kept(self, clips: int) -> None:
        while self.kept < clips and self._process.poll() is None:
            time.sleep(0.002)

    def kill_after(self, seconds: float) -> None:
        self.wait_until_kept(0)
        time.sleep(seconds)
        self._process.kill()

    def end(self) -> int:
        """The exit status, -9 if it was killed."""
        try:
            status = self._process.wait(LONGEST_RUN_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise WrongError(f"a run took longer than {LONGEST_RUN_SECONDS} s") from None
        for listener in self._listeners:
            listener.join()
        return status

    @property
    def errors(self) -> str:
        return "".join(self._errors)


@dataclass(frozen=True)
class Expected:
    """The uninterrupted run."""

    voice: Path
    frames: list[str]
    clips: int
    seconds_per_clip: float
    video_bytes: int


def make_voice(path: Path, seconds: float) -> None:
    """The shipped voice, repeated."""
    with wave.open(str(VOICE)) as voice, wave.open(str(path), "wb") as made:
        once, needed = voice.readframes(voice.getnframes()), int(seconds * voice.getframerate())
        size = needed * voice.getsampwidth() * voice.getnchannels()
        made.setparams(voice.getparams())
        made.writeframes((once * (size // len(once) + 1))[:size])


def hashes_of_frames(video: Path) -> list[str]:
    return [hashlib.sha256(frame.numpy().tobytes()).hexdigest() for frame in read_frames(video)]


def undisturbed(folder: Path, seconds: float) -> Expected:
    folder.mkdir()
    make_voice(folder / "voice.wav", seconds)
    run = Run(folder)
    check(run.end() == 0, f"the undisturbed run failed: {run.errors}")
    frames = hashes_of_frames(folder / "a.mp4")
    clips = -(-len(frames) // CLIP_FRAMES)
    size = (folder / "a.mp4").stat().st_size
    return Expected(folder / "voice.wav", frames, clips, run.result["seconds"] / clips, size)


def check_finished(folder: Path, expected: Expected, may_be_left: frozenset[str] = frozenset()) -> None:
    """Check the frames, their number, the sound, and that the folder has no other files."""
    left = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    check(left - may_be_left == FINISHED, f"files left over: {sorted(left ^ FINISHED)}")
    frames = hashes_of_frames(folder / "a.mp4")
    check(len(frames) == len(expected.frames), f"{len(frames)} frames instead of {len(expected.frames)}")
    differing = [number for number, pair in enumerate(zip(frames, expected.frames, strict=True)) if len(set(pair)) > 1]
    check(not differing, f"frames {differing} differ")
    check_sound(expected.voice, folder / "a.mp4", len(frames))


def check_sound(voice: Path, video: Path, frames: int) -> None:
    given, rate = decoded_sound(voice)
    heard, heard_rate = decoded_sound(video)
    given, heard = given[0], heard[0]
    check(frames == count_frames(len(given), rate, FPS), f"{frames} frames for {len(given) / rate} s of sound")
    check(heard_rate == rate and len(heard) >= len(given), f"{len(heard)} samples instead of {len(given)}")
    lag = abs(lag_samples(given, heard)) / rate
    check(lag <= MOST_LAG_SECONDS, f"the sound is shifted by {lag * 1000:.1f} ms")
    whole = float(np.corrcoef(given, heard[: len(given)])[0, 1])
    check(whole >= LEAST_CORRELATION, f"the sound correlates with the given one by {whole:.4f} only")
    for start in range(0, len(given) - rate + 1, rate):
        second = slice(start, start + rate)
        if 20 * np.log10(max(float(np.sqrt(np.mean(given[second] ** 2))), 1e-9)) > QUIET_DBFS:
            alike = float(np.corrcoef(given[second], heard[second])[0, 1])
            check(alike >= LEAST_OF_A_SECOND, f"the sound of second {start // rate} correlates by {alike:.4f} only")


class KilledJobs:
    """Runs jobs one after another until the number of kills is reached."""

    def __init__(self, folder: Path, expected: Expected, kills: int, draws: random.Random) -> None:
        self._folder, self._expected, self._draws = folder, expected, draws
        named = [*MOMENTS] * (kills // len(MOMENTS) + 1)
        draws.shuffle(named)
        self._left = [moment for pair in zip(named, ["any"] * len(named), strict=True) for moment in pair][:kills]
        draws.shuffle(self._left)
        self.kills = self.jobs = 0

    def run(self) -> None:
        while self._left:
            self.jobs += 1
            folder = self._folder / f"job-{self.jobs}"
            folder.mkdir()
            shutil.copy(self._expected.voice, folder)
            self._one_job(folder)

    def _one_job(self, folder: Path) -> None:
        first_unfinished = {0}
        while True:
            is_worth_it = self._left and max(first_unfinished) < self._expected.clips
            moment = self._left.pop() if is_worth_it else None
            run, expected_next = self._started(folder, moment, max(first_unfinished))
            status = run.end()
            check(run.resumed in first_unfinished, f"went on at clip {run.resumed}, expected {first_unfinished}")
            check(not run.errors, f"a restart said: {run.errors}")
            if status == 0:
                self._left += [moment] if moment else []  # it was too late
                check_finished(folder, self._expected)
                print(f"  job {self.jobs} finished: {len(self._expected.frames)} frames and their sound", flush=True)
                return
            check(status == -signal.SIGKILL, f"exit status {status}: {run.errors}")
            self.kills += 1
            first_unfinished = expected_next or {run.kept, run.kept + 1}
            said = f"{moment}, {run.kept} of {self._expected.clips} clips kept"
            print(f"  kill {self.kills}: went on at clip {run.resumed}, killed: {said}", flush=True)

    def _started(self, folder: Path, moment: str | None, start: int) -> tuple[Run, set[int] | None]:
        """A run that will be killed at the moment, and the clip at which the next one must continue, if known."""
        if moment is None:
            return Run(folder), None
        if moment == "any":
            run = Run(folder)
            run.kill_after(self._draws.uniform(0, 3 * self._expected.seconds_per_clip))
            return run, None
        if moment in AFTER_THE_LAST_CLIP:
            return Run(folder, "--stop", moment), {self._expected.clips}
        clips = start + 1 + self._draws.randrange(2)
        return Run(folder, "--stop", moment, "--at", str(clips)), {clips}


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """Yields whether a 64 MB file system could be mounted there."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    is_mounted = shutil.which("mount") is not None and not subprocess.run(mount, capture_output=True).returncode
    try:
        yield is_mounted
    finally:
        if is_mounted:
            subprocess.run(["umount", str(folder)], check=True)


def fill(path: Path) -> None:
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 20))
    with suppress(OSError), path.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(512))


def full_disk(folder: Path, expected: Expected) -> None:
    with small_disk(folder) as is_real:
        shutil.copy(expected.voice, folder)
        print(f"  {'a tmpfs of 64 MB' if is_real else 'no mount allowed: a limit on file sizes instead'}", flush=True)
        if is_real:
            run = Run(folder)
            run.wait_until_kept(2)
            fill(folder / "filler")
        else:
            run = Run(folder, "--largest-file", str(expected.video_bytes // 2))
        status = run.end()
        check(status == 2, f"exit status {status} on a full disk: {run.errors}")
        check(run.errors.count("\n") == 1 and "Make room there" in run.errors, f"it said: {run.errors}")
        print(f"  {run.errors.strip()}", flush=True)
        (folder / "filler").unlink(missing_ok=True)
        again = Run(folder)
        check(again.end() == 0, f"with room again: {again.errors}")
        check(again.resumed == run.kept, f"went on at clip {again.resumed} instead of {run.kept}")
        check_finished(folder, expected)
        print(f"  went on at clip {again.resumed} of {expected.clips}", flush=True)


def cut_off_journal(folder: Path, expected: Expected) -> None:
    folder.mkdir()
    shutil.copy(expected.voice, folder)
    run = Run(folder, "--stop", "journal written", "--at", "3")
    run.end()
    journal = folder / "a.mp4.hallo2" / "journal.json"
    journal.write_bytes(journal.read_bytes()[:100])
    again = Run(folder)
    check(again.end() == 0 and again.resumed == 2, f"went on at clip {again.resumed}, expected 2: {again.errors}")
    check("is damaged: the last clip is rendered again" in again.errors, f"it said: {again.errors}")
    check_finished(folder, expected)
    print(f"  went on at clip 2 of {expected.clips}: {again.errors.strip()}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=8.0, help="of sound: thirteen clips")
    arguments = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        try:
            expected = undisturbed(folder / "undisturbed", arguments.seconds)
            check_finished(folder / "undisturbed", expected)
            print(
                f"undisturbed: {len(expected.frames)} frames, {expected.clips} clips of "
                f"{expected.seconds_per_clip:.2f} s",
                flush=True,
            )
            jobs = KilledJobs(folder, expected, arguments.kills, random.Random(arguments.seed))
            jobs.run()
            print(f"{jobs.kills} kills of {jobs.jobs} jobs: nothing lost, nothing different, nothing left over")
            print("a full disk:")
            full_disk(folder / "disk", expected)
            print("a journal cut off:")
            cut_off_journal(folder / "journal", expected)
        except WrongError as error:
            print(f"WRONG: {error}")
            return 1
    print(f"all right, in {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
