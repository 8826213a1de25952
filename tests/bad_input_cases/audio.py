"""Voices: what is no sound, damaged, empty or extreme; and formats that are."""

from __future__ import annotations

from hallo2_core.animation.render import Render

from .case import MEDIA, PORTRAIT, Case, animate

# File of `media.py` → part of the refusal.
REFUSED = {
    "missing.wav": "There is no sound file",
    "empty.bin": "is empty",
    "a_folder": "There is no sound file",
    "pipe": "There is no sound file",
    "noise.bin": "cannot be read as sound",
    "page.html": "is a web page",
    "lfs_pointer.wav": "git-lfs pointer",
    "header_only.wav": "without a single sample",
    "cut_header.wav": "cannot be read as sound",
    "no_samples.wav": "without a single sample",
    "silent_video.mp4": "has no audio stream",
    "nan.wav": "not numbers (NaN or infinite)",
    "infinite.wav": "not numbers (NaN or infinite)",
    "beyond_full_scale.wav": "samples up to 20000",
    "rate_500.wav": "sample rate of 500 Hz",
    "nine_channels.wav": "9 channels",
    "text.txt": "has no audio stream",
}
# File → seconds that it lasts.
HANDLED = {
    "eight_bit.wav": 0.4,
    "sixteen_bit.wav": 0.4,
    "twenty_four_bit.wav": 0.4,
    "float_64.wav": 0.4,
    "rate_8000.wav": 0.4,
    "rate_192000.wav": 0.4,
    "stereo.wav": 0.4,
    "six_channels.wav": 0.4,
    "one_sample.wav": 0.0,
    "all_silent.wav": 0.4,
    "clipped.wav": 0.4,
    "voice.flac": 0.4,
    "voice.mp3": 0.4,
    "voice.m4a": 0.4,
    "voice_as_mp3.mp3": 0.4,  # a WAV under another name
    "sound.mp4": 0.12,  # of a video
    "cut_off.wav": 0.2,  # its header promises more
}


def lasts(seconds: float):  # noqa: ANN201
    """Within what lossy formats add at their ends."""

    def is_right(render: Render) -> bool:
        return abs(render.speech.frames - max(round(seconds * 25), 1)) <= 3

    return is_right


CASES = [
    *(Case(name, animate(audio=MEDIA + name), said) for name, said in REFUSED.items()),
    *(Case(name, animate(audio=MEDIA + name), is_right=lasts(seconds)) for name, seconds in HANDLED.items()),
    Case("a picture", animate(audio=PORTRAIT), "portrait.png"),
    Case("--sound missing.wav", animate(sound=MEDIA + "missing.wav"), "There is no sound file"),
    Case("--sound nan.wav", animate(sound=MEDIA + "nan.wav"), "not numbers"),
    Case("--sound shorter than the voice", animate(sound=MEDIA + "one_sample.wav"), "The voice takes 0.40 s"),
    Case("--sound longer than the voice", animate(sound=MEDIA + "longer.wav"), is_right=lasts(0.8)),
]
