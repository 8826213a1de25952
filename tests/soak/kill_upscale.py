"""Kill `hallo2 upscale` repeatedly: `python tests/soak/kill_upscale.py [--kills 10] [--seed 0] [--codec h264]`.

The command is killed with SIGKILL at random moments and restarted, video after video, until the number of kills is
reached. Every restart must continue from the last kept clip, and the result must be byte-identical to that of an
uninterrupted run, with no other files left. Exit status 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import av  # noqa: E402
import numpy as np  # noqa: E402
from faces_on_script import moving_portrait  # noqa: E402

FPS, RATE_HZ, CLIP_FRAMES, SIDE_PX = 25, 22050, 16, 128


def write_source(path: Path, frames: int) -> None:
    """A face in motion, and a tone."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast"})
        stream.width = stream.height = SIDE_PX
        stream.pix_fmt = "yuv420p"
        sound = container.add_stream("aac", rate=RATE_HZ, layout="mono")
        for picture in moving_portrait(frames, SIDE_PX):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture.numpy(), format="rgb24")))
        container.mux(stream.encode(None))
        tone = (np.sin(np.arange(RATE_HZ * frames // FPS) / 9.0) * 9000).astype(np.int16)[None]
        block = av.AudioFrame.from_ndarray(tone, format="s16", layout="mono")
        block.sample_rate = RATE_HZ
        for part in av.AudioResampler("fltp", "mono", RATE_HZ).resample(block):
            container.mux(sound.encode(part))
        container.mux(sound.encode(None))


def started(source: Path, out: Path, codec: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "hallo2_core", "upscale", "--video", str(source), "--out", str(out), "--json"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([*command, "--codec", codec, "--scale", "1.5"], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, env=environment)  # fmt: skip


def kept_clips(out: Path) -> int:
    """The clips in the journal, which must always be complete."""
    folder = out.with_name(f"{out.name}.hallo2")
    for name in ("journal.json", "journal.previous.json"):
        if (folder / name).exists():
            return json.loads((folder / name).read_text(encoding="utf-8"))["clips"]
    return 0


class WrongError(Exception):
    """A failed check."""


def check(is_right: bool, what: str) -> None:
    if not is_right:
        raise WrongError(what)


class KilledVideos:
    """Makes videos one after another until the number of kills is reached."""

    def __init__(self, source: Path, whole: Path, codec: str, kills: int, draws: random.Random) -> None:
        self._source, self._whole, self._codec = source, whole, codec
        self._wanted, self._draws = kills, draws
        self.kills = self.videos = 0
        begun = time.monotonic()
        run = started(source, whole, codec)
        _said, errors = run.communicate()
        check(run.returncode == 0, f"the undisturbed run: {errors}")
        self.seconds = time.monotonic() - begun

    def run(self, folder: Path) -> None:
        while self.kills < self._wanted:
            self.videos += 1
            folder.mkdir()
            self._one_video(folder, folder / "out.mp4")
            shutil.rmtree(folder)

    def _one_video(self, folder: Path, out: Path) -> None:
        kept, status = 0, None
        while status != 0:
            run = started(self._source, out, self._codec)
            if self.kills < self._wanted:
                self._kill_sometime(run, out, kept)
            said, errors = run.communicate()
            status = run.returncode
            if status == -signal.SIGKILL:
                self.kills += 1
                before, kept = kept, kept_clips(out)
                check(kept >= before, f"{before} clips were kept, and after the kill only {kept}")
                print(f"  kill {self.kills}: {kept} clips kept", flush=True)
            else:
                check(status == 0, f"exit status {status}: {errors}")
                resumed = json.loads(said)["resumed_from_clip"]
                check(resumed >= kept, f"went on at clip {resumed} instead of {kept}")
        check(out.read_bytes() == self._whole.read_bytes(), "the video is not that of the undisturbed run")
        left = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
        check(left == ["out.mp4", "out.mp4.hallo2/journal.json"], f"left over: {left}")
        print(f"  video {self.videos}: the very bytes of the undisturbed one", flush=True)

    def _kill_sometime(self, run: subprocess.Popen[str], out: Path, kept: int) -> None:
        """One kill in three at any time, including start and end; the others soon after a clip was kept."""
        is_anywhere = self._draws.random() < 1 / 3
        while not is_anywhere and run.poll() is None and kept_clips(out) <= kept:
            time.sleep(0.02)
        try:
            run.wait(timeout=self._draws.uniform(0.0, self.seconds if is_anywhere else self.seconds / 4))
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGKILL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--frames", type=int, default=104)
    parser.add_argument("--codec", default="h264", choices=("h264", "h265", "av1"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_source(folder / "in.mp4", arguments.frames)
        draws = random.Random(arguments.seed)
        try:
            jobs = KilledVideos(folder / "in.mp4", folder / "whole.mp4", arguments.codec, arguments.kills, draws)
            clips = -(-arguments.frames // CLIP_FRAMES)
            print(f"undisturbed: {arguments.frames} frames, {clips} clips, in {jobs.seconds:.1f} s", flush=True)
            jobs.run(folder / "killed")
        except WrongError as error:
            print(f"WRONG: {error}")
            return 1
    print(f"{jobs.kills} kills of {jobs.videos} videos: nothing lost, nothing different, nothing left over")
    return 0


if __name__ == "__main__":
    sys.exit(main())
