"""The instruments of `demo_quality.py` on what is known: the truth itself, and the truth spoiled."""

import math
from dataclasses import replace

import pytest
import torch
from bench.quality import long_video, sync
from bench.quality.clips import SPLIT, Clip, Settings
from bench.quality.figures import Figure, table
from bench.quality.picture import background_distance, background_of, decibels, still_change
from bench.quality.text import Asked, asked_of, is_recognized
from einops import rearrange

from hallo2_core.training.actor_recognition import ActorRecognizer
from hallo2_core.training.cartoons import EXPRESSIONS, Actor, Direction, Mood, Performance, Tracks, draw

SIZE, FRAMES = 64, 25


@pytest.fixture(scope="module")
def clip():
    """The truth as if it had been made, of an actor who talks and turns the head."""
    times = torch.arange(FRAMES) / 25
    tracks = replace(Tracks.still(FRAMES), mouth_open=0.5 + 0.5 * torch.sin(12 * times), yaw=3 * torch.sin(4 * times))
    frames = draw(Actor.from_seed(2, SPLIT), tracks, SIZE)
    played = Performance(torch.zeros(FRAMES * 640), tracks, Direction((Mood(0.0, "neutral"),)), "")
    return Clip(2, played, frames, frames, frames, frames, frames[0])


def test_the_truth_is_as_still_as_itself_and_noise_is_not(clip):
    noisy = clip.true + 0.02 * torch.randn(clip.true.shape, generator=torch.Generator().manual_seed(0))
    assert still_change(clip.made, clip) == still_change(clip.true, clip) > 0
    assert still_change(noisy, clip) > 3 * still_change(clip.true, clip)


def test_the_background_stands_still_and_lies_outside_of_the_face(clip):
    background = background_of(clip)
    left, top, right, bottom = clip.truth.face_box[0].round().int().tolist()
    assert not background[top:bottom, left:right].any() and 0.1 < background.float().mean() < 0.9
    assert background_distance(clip.true, clip) < 1e-3
    assert background_distance(clip.true + torch.tensor([0.3, 0.0, 0.0]), clip) == pytest.approx(
        0.3 / math.sqrt(3), abs=1e-3
    )


def test_decibels_are_of_all_frames_together():
    assert decibels([torch.full((2, 3), 0.1), torch.full((4, 3), 0.1)]) == pytest.approx(20.0)


def test_a_late_mouth_is_found_late():
    asked = torch.rand(80, generator=torch.Generator().manual_seed(1))
    late = torch.cat([torch.zeros(4), asked[:-4]])
    scores = {shift: sync.score(late, asked, shift) for shift in range(-6, 7)}
    assert max(scores, key=scores.get) == 4 and scores[4] == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(("late", "is_own"), [(0, True), (5, False)])
def test_a_sound_has_to_score_above_all_others(monkeypatch, clip, late, is_own):
    generator = torch.Generator().manual_seed(2)
    asked, other = torch.rand(60, generator=generator), torch.rand(60, generator=generator)
    spoken = replace(clip.played, tracks=replace(Tracks.still(60), mouth_open=asked))
    another = replace(clip.played, tracks=replace(Tracks.still(60), mouth_open=other))
    monkeypatch.setattr(sync, "performance", lambda seed, split, seconds: another)
    assert sync.is_the_sound(asked.roll(late), replace(clip, played=spoken)) is is_own


class ByLevel:
    """Reads the expression whose number is the frame's level."""

    def read(self, frames):
        return frames[:, 0, 0, 0].long()


def shown(*names):
    levels = torch.tensor([EXPRESSIONS.index(name) for name in names for _ in range(10)]).float()
    return rearrange(levels, "f -> f 1 1 1").expand(-1, 1, 1, 3)


def test_expressions_have_to_come_within_a_second_and_to_stay():
    asked = Asked("happy", "sad")
    prompt = shown(*["happy"] * 10, "happy", *["sad"] * 9)  # 0.4 s late
    late = shown(*["happy"] * 10, *["happy"] * 4, *["sad"] * 6)  # 1.6 s late
    short = shown(*["happy"] * 10, *["sad"] * 3, *["angry"] * 7)
    assert [is_recognized(ByLevel(), frames, asked) for frames in (prompt, late, short)] == [True, False, False]


def test_clips_ask_for_different_pairs():
    assert len({asked_of(number) for number in range(20)}) == 20
    assert asked_of(0).timeline(4.0).startswith("0-2 a person talks ")


def test_a_table_says_what_is_missed():
    lines = table([Figure("a", 0.5, least=0.9, truth=0.95), Figure("b", 1.0, 0.8, 1.25), Figure("c", 3.0)]).splitlines()
    assert lines[1].split() == ["a", "0.5", ">=", "0.9", "MISSED", "0.95"]
    assert lines[2].split() == ["b", "1", "0.8", "to", "1.25", "reached"] and lines[3].split() == ["c", "3"]
    assert Figure("a", 0.5, least=0.9).as_json() == {"name": "a", "value": 0.5, "least": 0.9, "reached": False}


class FadingActor:
    """A pipeline that draws the truth; without patch-drop it becomes another actor."""

    settings = Settings(size_px=SIZE)

    def portrait(self, seed, played):
        return seed, played

    def talk(self, portrait, samples, patch_drop):
        seed, played = portrait
        assert len(samples) == played.frames * 640
        for first in range(0, played.frames, 16):
            tracks = played.tracks[first : first + 16]
            own, other = (draw(Actor.from_seed(actor, SPLIT), tracks, SIZE) for actor in (seed, seed + 1))
            most = 0.0 if patch_drop.rate else 1.0
            share = torch.linspace(0.0, most, played.frames)[first : first + 16].reshape(-1, 1, 1, 1)
            yield own + share * (other - own)


def test_a_face_that_fades_loses_its_identity(monkeypatch, tmp_path):
    generator = torch.Generator().manual_seed(3)
    mean = torch.full((24 * 24 * 3,), 0.4)
    recognizer = ActorRecognizer(mean, torch.randn(24 * 24 * 3, 32, generator=generator))
    tracks = replace(Tracks.still(50), mouth_open=0.5 + 0.5 * torch.sin(torch.arange(50) / 3))
    played = Performance(torch.zeros(50 * 640), tracks, Direction((Mood(0.0, "neutral"),)), "")
    monkeypatch.setattr(long_video, "performance", lambda seed, split, seconds: played)
    plot = tmp_path / "plot.png"
    figures = long_video.long_figures(FadingActor(), recognizer, 2, 2.0, [long_video.BOTH, long_video.NEITHER], plot)
    found = {figure.name: figure for figure in figures}
    kept = found["identity, last minute / first 10 s, drop and noise"]
    lost = found["identity, last minute / first 10 s, neither"]
    assert kept.is_reached and kept.value == pytest.approx(kept.truth, abs=1e-3)
    assert lost.value < kept.value - 0.05
    assert found["what drop and noise add to that ratio"].value == pytest.approx(kept.value - lost.value)
    assert found["identity of another actor"].value < kept.value and plot.is_file()
