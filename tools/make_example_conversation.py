"""Make the picture and the recording of two speakers that ship with the pack. Needs espeak-ng.

python tools/make_example_conversation.py hallo2_core/examples

Prints who speaks when, as 'Split Speakers' reads it.
"""

import argparse
import sys
import wave
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from hallo2_core.audio.speech_signal import SPEECH_RATE_HZ
from hallo2_core.training.cartoons import Actor, Tracks, draw
from hallo2_core.training.cartoons.espeak import speak
from hallo2_core.training.cartoons.voices import Voice

SEEDS = {"left": 12, "right": 11}  # of the held-back actors, chosen by eye
SIDE_PX = 256
VOICES = {
    "left": Voice("gmw/en-US+f3", words_per_minute=150, pitch=60, pitch_range=60),
    "right": Voice("gmw/en-US+m3", words_per_minute=150, pitch=40, pitch_range=50),
}
SENTENCES = (
    ("left", "Did you see the moon last night?"),
    ("right", "Yes, I did. It was huge."),
    ("left", "I took a picture of it."),
)
GRID = SPEECH_RATE_HZ // 10  # turns begin at tenths of a second


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path, metavar="DIR", help="gets two_faces.png and conversation.wav")
    arguments = parser.parse_args()
    Image.fromarray((255 * picture()).round().to(torch.uint8).numpy()).save(
        arguments.folder / "two_faces.png", optimize=True
    )
    spoken = [turn(speaker, sentence) for speaker, sentence in SENTENCES]
    write(arguments.folder / "conversation.wav", torch.cat(spoken))
    start = 0.0
    for (speaker, _), sound in zip(SENTENCES, spoken, strict=True):
        end = start + sound.shape[0] / SPEECH_RATE_HZ
        sys.stdout.write(f"{start:.1f}-{end:.1f} {speaker}\n")
        start = end


def picture() -> Tensor:
    """(h w 3): both in front of one wall, which mirroring the right half continues."""
    left, right = (Actor.from_seed(seed, "held_back") for seed in SEEDS.values())
    right = replace(right, background=left.background)
    halves = [draw(actor, Tracks.still(), SIDE_PX)[0] for actor in (left, right)]
    return torch.cat([halves[0], halves[1].flip(1)], dim=1)


def turn(speaker: str, sentence: str) -> Tensor:
    """(t) float32 at 16 kHz: the sentence, with espeak-ng's pause after it."""
    samples = speak(sentence, VOICES[speaker]).samples
    return F.pad(samples, (0, -samples.shape[0] % GRID))


def write(path: Path, sound: Tensor) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SPEECH_RATE_HZ)
        file.writeframes((sound.clamp(-1, 1) * 32767).round().to(torch.int16).numpy().astype("<i2").tobytes())


if __name__ == "__main__":
    main()
