"""A voice and the curves of a face that speaks with it: from a seed alone, or for a sound of one's own."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...audio.speech_signal import SPEECH_RATE_HZ
from ...config import RELEASED_FPS
from .captions import caption
from .direction import Direction
from .espeak import Phoneme, Speech, speak
from .eye_motion import blinks, breathing, gaze
from .gestures import gesture_curves, idle_head
from .sentences import chosen_sentences
from .sound_mouth import mouth_curves_of_sound
from .split import Split, generator
from .tracks import Tracks
from .visemes import mouth_curves
from .voices import Voice

FPS = RELEASED_FPS
PEAK = 0.8  # of full scale: voices differ in loudness, recordings are leveled


@dataclass(frozen=True)
class Performance:
    samples: Tensor  # (t) float32, 16 kHz; t = frames × 640
    tracks: Tracks  # f frames at 25 frames a second
    direction: Direction
    caption: str
    sentences: tuple[str, ...] = ()  # empty for a sound of one's own
    voice: Voice | None = None
    phonemes: tuple[Phoneme, ...] = ()

    @property
    def frames(self) -> int:
        return self.tracks.frames


def performance(seed: int, split: Split, seconds: float, direction: Direction | None = None) -> Performance:
    """Spoken by espeak-ng: the voice, the sentences and all motion follow from the seed. It begins with a short silence
    and is cut off after `seconds`, rounded to whole frames.

    direction: None to have that follow from the seed too. Errors: MissingDependencyError without espeak-ng.
    """
    frames = max(round(seconds * FPS), 1)
    voice = Voice.from_seed(seed, split)
    said, speech = _monologue(seed, split, voice, frames / FPS)
    direction = direction or Direction.drawn(generator(seed, split, "direction"), frames / FPS)
    curves = mouth_curves(speech.phonemes, frames, FPS)
    return Performance(
        samples=_fitted(speech.samples, frames),
        tracks=_acted(seed, split, curves, direction, frames),
        direction=direction,
        caption=_caption(seed, split, direction),
        sentences=tuple(said),
        voice=voice,
        phonemes=speech.phonemes,
    )


def performance_of_sound(samples: Tensor, seed: int, split: Split, direction: Direction | None = None) -> Performance:
    """For speech of one's own, samples (t) float32 at 16 kHz: the mouth follows loudness and spectrum.

    Its length is that of the sound, rounded up to whole frames.
    """
    frames = max(-(-samples.shape[0] * FPS // SPEECH_RATE_HZ), 1)
    direction = direction or Direction.drawn(generator(seed, split, "direction"), frames / FPS)
    curves = mouth_curves_of_sound(samples, frames, FPS)
    tracks = _acted(seed, split, curves, direction, frames)
    return Performance(_fitted(samples, frames), tracks, direction, _caption(seed, split, direction))


def _monologue(seed: int, split: Split, voice: Voice, seconds: float) -> tuple[list[str], Speech]:
    """Sentences with pauses between them, until `seconds` are full; at least one."""
    rng = generator(seed, split, "sentences")
    said: list[str] = []
    parts, phonemes, at = [], [], 0.0
    for sentence in chosen_sentences(rng, split, 1 + int(seconds)):
        pause = torch.zeros(round(rng.uniform(0.12, 0.4) * SPEECH_RATE_HZ))
        speech = speak(sentence, voice)
        leveled = speech.samples * (PEAK / speech.samples.abs().max().clamp_min(1e-3))
        begins = at + pause.shape[0] / SPEECH_RATE_HZ
        phonemes.append(Phoneme(at, begins, ""))
        phonemes += [Phoneme(begins + p.start_seconds, begins + p.end_seconds, p.ipa) for p in speech.phonemes]
        parts += [pause, leveled]
        said.append(sentence)
        at = begins + leveled.shape[0] / SPEECH_RATE_HZ
        if at >= seconds:
            break
    return said, Speech(torch.cat(parts), tuple(phonemes))


def _acted(seed: int, split: Split, mouth: dict[str, Tensor], direction: Direction, frames: int) -> Tracks:
    """The mouth's curves, and everything else that moves."""
    rng = generator(seed, split, "motion")
    liveliness, articulation = rng.uniform(0.5, 1.6), rng.uniform(0.85, 1.1)
    curves = idle_head(rng, frames, FPS, liveliness)
    asked = gesture_curves(
        direction.gesture, direction.gesture_start_seconds, frames, FPS, side=int(rng.choice([-1, 1]))
    )
    curves = {name: curve + asked[name] for name, curve in curves.items()}
    stress = _stress(mouth["mouth_open"])
    gaze_x, gaze_y = gaze(rng, frames, FPS)
    return Tracks(
        **{name: (articulation * curve if name == "mouth_open" else curve).clamp(-1, 1)
           for name, curve in mouth.items()},
        blink=blinks(rng, frames, FPS),
        # Eyes that look into the camera go on doing so while the head turns away.
        gaze_x=(gaze_x - curves["yaw"] / 22).clamp(-1, 1),
        gaze_y=(gaze_y - curves["pitch"] / 22).clamp(-1, 1),
        brow=(stress * rng.uniform(0.2, 0.9)).clamp(-1, 1),
        yaw=curves["yaw"],
        pitch=curves["pitch"] + 2.5 * liveliness * stress,
        roll=curves["roll"],
        breath=breathing(rng, frames, FPS),
        expression=direction.weights(frames, FPS),
    )  # fmt: skip


def _stress(opening: Tensor) -> Tensor:
    """(f), about -0.3..0.7: the head and the brows follow the stress of what is said, slowly."""
    width = FPS // 2
    weights = torch.hann_window(2 * width + 1, periodic=False)
    padded = torch.nn.functional.pad(opening, (width, width))
    slow = torch.nn.functional.conv1d(padded[None, None], (weights / weights.sum())[None, None])[0, 0]
    return 2.0 * (slow - slow.mean())


def _caption(seed: int, split: Split, direction: Direction) -> str:
    expressions = [mood.expression for mood in direction.moods]
    return caption(generator(seed, split, "caption"), expressions, direction.gesture)


def _fitted(samples: Tensor, frames: int) -> Tensor:
    """Cut or filled with silence to the length of the frames; a cut fades within 10 ms, so that it does not click."""
    length = frames * SPEECH_RATE_HZ // FPS
    if samples.shape[0] <= length:
        return torch.nn.functional.pad(samples, (0, length - samples.shape[0]))
    fade = min(SPEECH_RATE_HZ // 100, length)
    cut = samples[:length].clone()
    cut[length - fade :] *= torch.linspace(1, 0, fade)
    return cut
