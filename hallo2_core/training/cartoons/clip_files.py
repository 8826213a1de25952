"""A folder of cartoons: videos with sound, captions and the truth, in the layout that training reads.

cartoons.json                what the folder holds: how many, how long, which split
cartoons.jsonl               one line per clip: video_path, audio_path, caption
cartoon_000007.mp4           25 frames a second, with its sound
cartoon_000007.wav           the sound itself, 16 kHz, 16 bits
cartoon_000007.txt           the caption
cartoon_000007.safetensors   `tracks.NAME` and `truth.NAME`, a row per frame (see Tracks and Truth)
cartoon_000007.truth.json    who speaks, what and when; moods and gesture. Written last: with it a clip is complete
"""

from __future__ import annotations

import json
import signal
import wave
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from fractions import Fraction
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from ...audio.speech_signal import SPEECH_RATE_HZ
from ...audio.waveform import TensorAudio
from ...errors import SettingsError
from ...storage.durable import replace_file
from ...video.settings import VideoSettings
from ...video.writer import VideoWriter
from .actor import Actor
from .drawing import draw
from .performance import FPS, Performance, performance
from .split import Split
from .truth import measure

SMALLEST_PX, LARGEST_PX = 32, 1024
FRAMES_AT_ONCE = 50
QUALITY = 8  # CRF: the networks must not learn the encoder's blocks


@dataclass(frozen=True)
class CartoonSettings:
    """What fixes every clip of a folder; `count` may grow later."""

    seconds: float = 4.0
    size_px: int = 128
    split: Split = "train"
    first_seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.seconds <= 3600:
            raise SettingsError(f"A cartoon of {self.seconds:g} s is asked for; choose more than 0 and up to 3600.")
        if not SMALLEST_PX <= self.size_px <= LARGEST_PX or self.size_px % 2:
            raise SettingsError(
                f"The size is {self.size_px} px; choose an even number from {SMALLEST_PX} to {LARGEST_PX}."
            )
        if self.first_seed < 0:
            raise SettingsError(f"The seed is {self.first_seed}; choose 0 or more.")


def write_cartoons(
    folder: Path, count: int, settings: CartoonSettings, progress: Callable[[int, int], None], workers: int = 1
) -> int:
    """Write the clips that are not there yet; returns how many those were. Stopped and started again, it goes on.

    progress: told how many of `count` are complete. workers: processes that draw side by side.
    Errors: SettingsError where the folder holds other cartoons; MissingDependencyError without espeak-ng.
    """
    if count < 1:
        raise SettingsError(f"{count} cartoons are asked for; choose 1 or more.")
    folder.mkdir(parents=True, exist_ok=True)
    _claim(folder, settings)
    missing = [seed for seed in _seeds(count, settings) if not _path(folder, seed, ".truth.json").exists()]
    for written, _ in enumerate(_written(folder, missing, settings, workers), start=1):
        progress(count - len(missing) + written, count)
    _write_index(folder)
    return len(missing)


def _written(folder: Path, seeds: list[int], settings: CartoonSettings, workers: int) -> Iterator[int]:
    """Seeds as their clips are complete, in order."""
    if workers <= 1 or len(seeds) < 2:
        for seed in seeds:
            write_clip(folder, seed, settings)
            yield seed
        return
    pool = ProcessPoolExecutor(min(workers, len(seeds)), get_context("spawn"), initializer=_as_worker)
    try:
        futures = [pool.submit(write_clip, folder, seed, settings) for seed in seeds]
        for seed, future in zip(seeds, futures, strict=True):
            future.result()
            yield seed
    finally:
        pool.shutdown(cancel_futures=True)


def _as_worker() -> None:
    """One thread each; Ctrl+C is the first process's to handle, which lets the clips in progress end."""
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def write_clip(folder: Path, seed: int, settings: CartoonSettings) -> None:
    """One clip, its truth last. What a stopped run left of it is kept where it is whole, else written again."""
    played = performance(seed, settings.split, settings.seconds)
    actor = Actor.from_seed(seed, settings.split)
    video = _path(folder, seed, ".mp4")
    if not video.exists():
        audio = TensorAudio(played.samples.unsqueeze(0), SPEECH_RATE_HZ)
        side, video_settings = settings.size_px, VideoSettings(quality=QUALITY)
        with VideoWriter(video, side, side, Fraction(FPS), video_settings, audio) as writer:
            for start in range(0, played.frames, FRAMES_AT_ONCE):
                writer.write(draw(actor, played.tracks[start : start + FRAMES_AT_ONCE], side))
    truth = measure(actor, played.tracks, settings.size_px)
    tensors = {f"tracks.{name}": curve for name, curve in played.tracks.curves().items()}
    tensors |= {f"truth.{name}": value for name, value in truth.tensors().items()}
    replace_file(_path(folder, seed, ".wav"), wav_bytes(played.samples))
    replace_file(_path(folder, seed, ".txt"), f"{played.caption}\n".encode())
    replace_file(_path(folder, seed, ".safetensors"), save({name: t.contiguous() for name, t in tensors.items()}))
    description = json.dumps(_description(seed, settings, played), ensure_ascii=False)
    replace_file(_path(folder, seed, ".truth.json"), description.encode())


def wav_bytes(samples: Tensor) -> bytes:
    """samples: (t), -1..1, 16 kHz.  Returns a WAV file of 16 bits."""
    whole = (samples.clamp(-1, 1) * 32767).round().to(torch.int16)
    buffer = BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SPEECH_RATE_HZ)
        file.writeframes(whole.numpy().astype("<i2").tobytes())
    return buffer.getvalue()


def _description(seed: int, settings: CartoonSettings, played: Performance) -> dict[str, object]:
    return {
        "seed": seed,
        "split": settings.split,
        "size_px": settings.size_px,
        "fps": FPS,
        "frames": played.frames,
        "caption": played.caption,
        "moods": [asdict(mood) for mood in played.direction.moods],
        "gesture": played.direction.gesture,
        "gesture_start_seconds": played.direction.gesture_start_seconds,
        "sentences": played.sentences,
        "voice": asdict(played.voice) if played.voice is not None else None,
        "phonemes": [(p.start_seconds, p.end_seconds, p.ipa) for p in played.phonemes],
    }


def _seeds(count: int, settings: CartoonSettings) -> range:
    return range(settings.first_seed, settings.first_seed + count)


def _path(folder: Path, seed: int, ending: str) -> Path:
    return folder / f"cartoon_{seed:06d}{ending}"


def _claim(folder: Path, settings: CartoonSettings) -> None:
    """Note what the folder holds, or refuse one that holds something else."""
    path, own = folder / "cartoons.json", asdict(settings)
    if not path.exists():
        replace_file(path, json.dumps(own, indent=1).encode())
        return
    found = json.loads(path.read_text(encoding="utf-8"))
    # Seeds may be added to a folder; all else would mix two kinds of clips.
    differing = [name for name in own if name != "first_seed" and found.get(name) != own[name]]
    if differing:
        was = ", ".join(f"{name} {found.get(name)}" for name in differing)
        wanted = ", ".join(f"{name} {own[name]}" for name in differing)
        raise SettingsError(f"{folder} holds cartoons with {was}; {wanted} was asked for. Choose another folder.")


def _write_index(folder: Path) -> None:
    """All complete clips, also those of earlier runs."""
    lines = []
    for path in sorted(folder.glob("cartoon_*.truth.json")):
        name = path.name.removesuffix(".truth.json")
        caption = (folder / f"{name}.txt").read_text(encoding="utf-8").strip()
        entry = {"video_path": f"{name}.mp4", "audio_path": f"{name}.wav", "caption": caption}
        lines.append(json.dumps(entry, ensure_ascii=False) + "\n")
    replace_file(folder / "cartoons.jsonl", "".join(lines).encode())
