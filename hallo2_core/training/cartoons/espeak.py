"""Speech from text, with the time of each phoneme: espeak-ng, in a process of its own."""

from __future__ import annotations

import ctypes.util
import json
import math
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from ...audio.speech_signal import SPEECH_RATE_HZ
from ...errors import AudioError, MissingDependencyError
from .voices import Voice

PROCESS = Path(__file__).with_name("espeak_process.py")
LONGEST_SECONDS = 60  # a sentence takes a tenth of a second; the library may hang on broken data


@dataclass(frozen=True)
class Phoneme:
    """ipa: "" for a pause."""

    start_seconds: float
    end_seconds: float
    ipa: str


@dataclass(frozen=True)
class Speech:
    samples: Tensor  # (t) float32, 16 kHz
    phonemes: tuple[Phoneme, ...]


@cache
def espeak_library() -> str | None:
    """The name of espeak-ng's library for the loader; None where it is not installed."""
    return ctypes.util.find_library("espeak-ng")


def speak(text: str, voice: Voice) -> Speech:
    """The same text and voice give the same samples. Errors: MissingDependencyError without espeak-ng; AudioError."""
    library = espeak_library()
    if library is None:
        raise MissingDependencyError(
            "The cartoons' voices are spoken by espeak-ng, which is not installed. Install it with your system's "
            "packages, for example: apt install espeak-ng (it brings libespeak-ng); or give a sound of your own."
        )
    settings = [voice.name, str(voice.words_per_minute), str(voice.pitch), str(voice.pitch_range)]
    command = [sys.executable, "-I", "-S", str(PROCESS), library, *settings]
    try:
        spoken = subprocess.run(command, input=text.encode(), capture_output=True, timeout=LONGEST_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise AudioError(
            f"espeak-ng did not finish {text!r} in {LONGEST_SECONDS} s. Check its installation."
        ) from error
    if spoken.returncode:
        said = spoken.stderr.decode(errors="replace").strip().splitlines()
        raise AudioError(f"espeak-ng failed with the voice {voice.name}: {said[-1] if said else 'no message'}. Check "
                         f"that its English voices are installed.")  # fmt: skip
    head, samples = spoken.stdout.split(b"\n", 1)
    spoken = json.loads(head)
    sound = torch.frombuffer(bytearray(samples), dtype=torch.int16).float() / 2**15
    starts = [start for start, _ in spoken["phonemes"]] + [sound.shape[0] / spoken["rate_hz"]]
    phonemes = (
        Phoneme(start, max(end, start), ipa)
        for (start, ipa), end in zip(spoken["phonemes"], starts[1:], strict=True)
    )  # fmt: skip
    return Speech(_at_speech_rate(sound, spoken["rate_hz"]), tuple(phonemes))


def _at_speech_rate(sound: Tensor, rate_hz: int) -> Tensor:
    """(t) → (t) at 16 kHz, by leaving out what lies above 8 kHz of the spectrum: exact, and quicker than a filter for a
    sound that begins and ends in silence."""
    common = math.gcd(rate_hz, SPEECH_RATE_HZ)
    unit_in, unit_out = rate_hz // common, SPEECH_RATE_HZ // common
    units = -(-sound.shape[0] // unit_in)
    spectrum = torch.fft.rfft(torch.nn.functional.pad(sound, (0, units * unit_in - sound.shape[0])))
    resampled = torch.fft.irfft(spectrum[: units * unit_out // 2 + 1], n=units * unit_out) * (unit_out / unit_in)
    return resampled[: -(-sound.shape[0] * unit_out // unit_in)].contiguous()
