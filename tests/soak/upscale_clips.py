"""Every kind of video through `hallo2 upscale`: `python tests/soak/upscale_clips.py [--long 2000]`.

Makes clips from the shared media, runs the command on each in a separate process, and prints one line per clip: frames
and seconds of source and result, and peak memory. Frame counts, durations and audio packets must be equal; a corrupt
file must give a one-line error and exit status 2. The long clip must not take more than 1.05 times the memory of one of
200 frames. Exit status 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import av  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from faces_on_script import moving_portrait  # noqa: E402

from hallo2_core.portrait.picture import load_picture  # noqa: E402

MEDIA, EXAMPLES = ROOT / "tests" / "media", ROOT / "hallo2_core" / "examples"
FPS, RATE_HZ = 25, 22050
LEAST_LONG, MOST_GROWTH = 200, 1.05
UPRIGHT, CLOCKWISE = (
    np.array(matrix, dtype=">i4").tobytes()
    for matrix in ([1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30], [0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30])
)
Frames = Iterator[torch.Tensor]  # (h w 3) uint8


@dataclass(frozen=True)
class Clip:
    name: str
    frames: Callable[[], Frames]
    has_sound: bool = True
    pixel_format: str = "yuv420p"
    milliseconds: Callable[[int], int] | None = None  # presentation times; None: constant frame rate
    is_turned: bool = False
    options: tuple[str, ...] = ("--scale", "1.5")
    suffix: str = "mp4"


@dataclass
class Outcome:
    peak_mb: dict[str, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def still(path: Path, count: int, height: int, width: int) -> Frames:
    picture = load_picture(path)
    planes = torch.nn.functional.interpolate(picture.movedim(-1, 0)[None], (height, width), mode="area")[0]
    shown = (planes.movedim(0, -1) * 255).round().to(torch.uint8)
    for number in range(count):
        yield shown.roll(number // 4, dims=1)


def leaving(count: int, gone: range) -> Frames:
    """A face that disappears for a second."""
    elsewhere = still(MEDIA / "no_face.png", count, 160, 160)
    for number, (face, nobody) in enumerate(zip(moving_portrait(count, 160), elsewhere, strict=True)):
        yield nobody if number in gone else face


def portrait(height: int, width: int, count: int) -> Frames:
    return still(MEDIA / "portrait.png", count, height, width)


def clips(long_frames: int) -> list[Clip]:
    def small(count: int) -> Callable[[], Frames]:
        return lambda: still(MEDIA / "portrait.png", count, 64, 64)

    return [
        Clip("two faces", lambda: still(MEDIA / "two_faces.png", 20, 192, 192)),
        Clip("a face leaves for a second", lambda: leaving(75, range(25, 50))),
        Clip("no face", lambda: still(MEDIA / "no_face.png", 20, 128, 128)),
        Clip("one frame", lambda: still(MEDIA / "portrait.png", 1, 128, 128)),
        Clip("turned, as phones do", lambda: portrait(96, 160, 20), is_turned=True),
        Clip("no sound", lambda: portrait(96, 96, 20), has_sound=False),
        Clip("frames last differently long", lambda: portrait(96, 96, 30), suffix="mkv",
             milliseconds=lambda number: 40 * number + 6 * (number * number % 7)),
        Clip("odd sides", lambda: portrait(95, 97, 20), pixel_format="yuv444p"),
        Clip("10 bits", lambda: portrait(96, 96, 20), pixel_format="yuv420p10le",
             options=("--scale", "1.5", "--codec", "h265", "--bit-depth", "10")),
        Clip("to AV1 in 10 bits", lambda: portrait(96, 96, 20),
             options=("--scale", "1.5", "--codec", "av1", "--bit-depth", "10")),
        Clip("a few frames", small(LEAST_LONG)),
        Clip("many frames", small(long_frames)),
    ]  # fmt: skip


def write(clip: Clip, path: Path) -> None:
    frames = clip.frames()
    first = next(frames)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "crf": "16"})
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = clip.pixel_format
        stream.codec_context.time_base = Fraction(1, 1000 if clip.milliseconds else FPS)
        sound = container.add_stream("aac", rate=RATE_HZ, layout="mono") if clip.has_sound else None
        count = 0
        for count, picture in enumerate(chain([first], frames)):
            shown = av.VideoFrame.from_ndarray(picture.numpy(), format="rgb24").reformat(format=clip.pixel_format)
            shown.pts = clip.milliseconds(count) if clip.milliseconds else count
            shown.time_base = stream.codec_context.time_base
            container.mux(stream.encode(shown))
        container.mux(stream.encode(None))
        if sound is not None:
            tone = (np.sin(np.arange(RATE_HZ * (count + 1) // FPS) / 9.0) * 9000).astype(np.int16)[None]
            block = av.AudioFrame.from_ndarray(tone, format="s16", layout="mono")
            block.sample_rate, block.pts, block.time_base = RATE_HZ, 0, Fraction(1, RATE_HZ)
            for part in av.AudioResampler("fltp", "mono", RATE_HZ).resample(block):
                container.mux(sound.encode(part))
            container.mux(sound.encode(None))
    if clip.is_turned:
        stored = path.read_bytes()
        at = stored.index(UPRIGHT, stored.index(b"tkhd"))
        path.write_bytes(stored[:at] + CLOCKWISE + stored[at + len(UPRIGHT) :])


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hallo2_core", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def shown(path: Path) -> tuple[list[float], float]:
    """The presentation time of each frame, and the end of the last one, in seconds."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        times, lasts = [], 0
        for frame in container.decode(stream):
            times.append(float(frame.pts * stream.time_base))
            lasts = getattr(frame, "duration", 0) or 0
        return times, times[-1] + float(lasts * stream.time_base)


def sound_packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        sounds = container.streams.audio
        return [bytes(packet) for packet in container.demux(sounds) if packet.size] if sounds else []


def check(name: str, source: Path, options: tuple[str, ...], outcome: Outcome) -> None:
    out = source.with_name(f"{source.stem}-large.mp4")
    done = run("upscale", "--video", str(source), "--out", str(out), *options, "--json")
    if done.returncode != 0:
        outcome.wrong.append(f"{name}: exit status {done.returncode}: {done.stderr.strip()}")
        return
    told = json.loads(done.stdout)
    (given, given_end), (made, made_end) = shown(source), shown(out)
    outcome.peak_mb[name] = told["peak_rss_mb"] or 0.0
    print(
        f"{name:30s} frames {len(given):5d} -> {len(made):5d}, seconds {given_end:7.3f} -> {made_end:7.3f}, "
        f"{told['width']}x{told['height']}, peak {outcome.peak_mb[name]:.0f} MB, {told['wall_s']:.0f} s",
        flush=True,
    )
    if len(given) != len(made) or told["frames"] != len(given):
        outcome.wrong.append(f"{name}: {len(given)} frames became {len(made)}")
    elif max(abs(a - b) for a, b in zip(given, made, strict=True)) > 1e-4:
        outcome.wrong.append(f"{name}: a frame has another time")
    if abs(given_end - made_end) > 0.002:
        outcome.wrong.append(f"{name}: {given_end} s became {made_end} s")
    if sound_packets(source) != sound_packets(out):
        outcome.wrong.append(f"{name}: the sound is another one")


def demo_animation(folder: Path, outcome: Outcome) -> None:
    """A portrait and a voice, animated by the demo model, as the source to upscale."""
    source = folder / "demo animation.mp4"
    made = run("animate", "--portrait", str(EXAMPLES / "portrait.png"), "--audio", str(EXAMPLES / "voice.wav"), "--out",
               str(source), "--size", "64x64", "--steps", "1")  # fmt: skip
    if made.returncode:
        outcome.wrong.append(f"demo animation: {made.stderr}")
    else:
        check("the demo animation", source, ("--scale", "2"), outcome)


def corrupt_file(folder: Path, outcome: Outcome) -> None:
    path = folder / "corrupt.mp4"
    path.write_bytes(b"\0\0\0\x18ftypmp42" + b"no video at all" * 200)
    done = run("upscale", "--video", str(path), "--out", str(folder / "never.mp4"))
    print(f"{'corrupt':30s} exit status {done.returncode}: {done.stderr.strip()}", flush=True)
    if done.returncode != 2 or done.stderr.count("\n") != 1 or (folder / "never.mp4").exists():
        outcome.wrong.append(f"corrupt: exit status {done.returncode}, said {done.stderr!r}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", type=int, default=2000, metavar="FRAMES")
    arguments = parser.parse_args()
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for clip in clips(arguments.long):
            path = folder / f"{clip.name}.{clip.suffix}"
            write(clip, path)
            check(clip.name, path, clip.options, outcome)
        corrupt_file(folder, outcome)
        demo_animation(folder, outcome)
    if {"a few frames", "many frames"} <= outcome.peak_mb.keys():
        growth = outcome.peak_mb["many frames"] / outcome.peak_mb["a few frames"]
        print(f"memory of {arguments.long} frames against {LEAST_LONG}: {growth:.3f}")
        if growth > MOST_GROWTH:
            outcome.wrong.append(f"memory grew by {growth:.3f}; {MOST_GROWTH} is allowed")
    for line in outcome.wrong:
        print(f"WRONG: {line}")
    print("all right" if not outcome.wrong else f"{len(outcome.wrong)} wrong")
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
