"""Memory must not grow with the video's length: peak of the whole pipeline for a short and a long video.

    python tests/bench/memory.py [--seconds 2000 3600] [--pair demo|long]

Two pairs of videos, each video in a fresh process, both of a pair at the same time, under the same conditions.
  demo  the real pipeline with the demo model, 64x64, one step: 20 s and 100 s
  long  512x512, everything real except the UNets and the VAE, which are fast stand-ins: --seconds
Each process warms up with clips of a 130 s sound, from different pieces of speech: 20 s of sound are shorter than a
whole piece, one minute. Then it makes the video; the long ones with a fast encoder preset, for they have 140,000
frames. Prints the peaks; exit status 1 if the larger of a pair is more than 1.05 times the smaller.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import wave
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

MOST_GROWTH = 1.05
DEMO_SECONDS, LONG_SECONDS = (20.0, 100.0), (2000.0, 3600.0)
# Clips of 16 frames; number 110 starts at 70 s. Repeated until the allocator's size is stable.
WARM_UP_SECONDS, WARM_UP_CLIPS = 130.0, (0, 110) * 4


def make_voice(path: Path, seconds: float) -> None:
    """The shipped voice, repeated, written piece by piece."""
    with wave.open(str(ROOT / "hallo2_core" / "examples" / "voice.wav")) as voice, wave.open(str(path), "wb") as made:
        made.setparams(voice.getparams())
        once, left = voice.getnframes(), int(seconds * voice.getframerate())
        while left:
            voice.rewind()
            made.writeframes(voice.readframes(min(once, left)))
            left -= min(once, left)


def make_video(case: str, seconds: float, folder: Path) -> dict[str, float]:
    """Make the video in this process. Returns the measurements."""
    import torch
    from seeded_models import seeded_hallo2
    from seeded_render import seeded_render
    from stand_ins import PixelCodec, with_stand_in_unets

    from hallo2_core.animation.animate import animate
    from hallo2_core.animation.clip_state import first_state
    from hallo2_core.animation.job_key import render_key
    from hallo2_core.animation.render import render_video
    from hallo2_core.audio.sound_file import FileAudio
    from hallo2_core.audio.speech_embeddings import encode_speech
    from hallo2_core.jobs.job import Job
    from hallo2_core.runtime import LocalRuntime
    from hallo2_core.video.settings import VideoSettings

    class Runtime(LocalRuntime):
        """Prints the peak so far at every tenth of the progress."""

        said = 0

        def progress(self, done: int, total: int, preview: torch.Tensor | None = None) -> None:
            if 10 * done // total > self.said:
                self.said = 10 * done // total
                minutes = (time.monotonic() - started) / 60
                sys.stderr.write(f"    {seconds:g} s: {10 * self.said} %, {peak_mb():.1f} MB, {minutes:.1f} minutes\n")

    torch.set_num_threads(1)
    make_voice(folder / "voice.wav", seconds)
    make_voice(folder / "warm-up.wav", WARM_UP_SECONDS)
    audio = FileAudio(folder / "voice.wav")
    if case == "demo":
        render = seeded_render(audio)
    else:
        render = seeded_render(audio, 512, models=with_stand_in_unets(seeded_hallo2()), codec=PixelCodec())
        render = replace(render, settings=VideoSettings(preset="ultrafast"))
    warm_up = encode_speech(FileAudio(folder / "warm-up.wav"), render.speech.encoder, render.speech.fps)
    for clip in WARM_UP_CLIPS:
        start = replace(first_state(render.inputs), number=clip)
        next(animate(render.inputs, warm_up, render.codec, LocalRuntime(), start))
    before, started, runtime = peak_mb(), time.monotonic(), Runtime()
    video = render_video(render, Job(folder / "job", render_key(render, runtime)), folder / "video.mp4", runtime)
    return {
        "frames": video.frames,
        "peak_mb": round(peak_mb(), 1),
        "before_mb": round(before, 1),
        "minutes": round((time.monotonic() - started) / 60, 2),
        "video_mb": round((folder / "video.mp4").stat().st_size / 1e6, 1),
    }


def peak_mb() -> float:
    """Of this process alone: on Linux, `getrusage` starts from the parent's peak."""
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return int(status.split("VmHWM:")[1].split()[0]) / 1024
    from hallo2_core.cli.machine import peak_memory_mb

    return peak_memory_mb()


def measured(case: str, seconds: float) -> dict[str, float]:
    """Measurements of one video, made in a fresh process."""
    command = [sys.executable, __file__, "--case", case, "--seconds", str(seconds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=True)
    result = json.loads(done.stdout)
    print(f"  {seconds:g} s: {result}", flush=True)
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, nargs="+", default=LONG_SECONDS, help="of the long pair")
    parser.add_argument("--pair", choices=("demo", "long"), help="only this one")
    parser.add_argument("--case", choices=("demo", "long"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(make_video(arguments.case, arguments.seconds[0], Path(folder))))
        return 0
    started, within = time.monotonic(), True
    for case, lengths in (("demo", DEMO_SECONDS), ("long", arguments.seconds)):
        if arguments.pair in (None, case):
            print(f"{case}:", flush=True)
            with ThreadPoolExecutor() as side_by_side:
                peaks = [took["peak_mb"] for took in side_by_side.map(partial(measured, case), lengths)]
            growth = max(peaks) / min(peaks)
            within &= growth <= MOST_GROWTH
            print(f"  {growth:.3f} times, {'within' if growth <= MOST_GROWTH else 'above'} {MOST_GROWTH}", flush=True)
    print(f"{(time.monotonic() - started) / 60:.1f} minutes")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
