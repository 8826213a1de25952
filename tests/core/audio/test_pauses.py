"""Cuts lie between clips, where the voice pauses."""

from fractions import Fraction

import pytest
import torch

from hallo2_core.audio.pauses import cut_at_pauses
from hallo2_core.audio.waveform import TensorAudio

RATE_HZ = 8000
CLIP_SECONDS = Fraction(16, 25)


def voice(seconds, pauses=()):
    sound = torch.rand(2, round(seconds * RATE_HZ), generator=torch.Generator().manual_seed(0)) - 0.5
    for middle in pauses:
        sound[:, round((middle - 0.3) * RATE_HZ) : round((middle + 0.3) * RATE_HZ)] *= 0.01
    return TensorAudio(sound, RATE_HZ)


def test_a_cut_is_where_the_voice_pauses():
    pauses = [float(clip * CLIP_SECONDS) for clip in (28, 70)]
    cuts = cut_at_pauses(voice(64, pauses), 100, CLIP_SECONDS, section_seconds=20)
    assert [cut.clip for cut in cuts] == [28, 70] and all(cut.loudness_db < -8 for cut in cuts)


def test_without_a_pause_sections_are_still_cut():
    cuts = cut_at_pauses(voice(64), 100, CLIP_SECONDS, section_seconds=20)
    assert len(cuts) == 2 and 16 < cuts[0].clip < 50 < cuts[1].clip < 84 and all(cut.loudness_db > -3 for cut in cuts)


def test_the_nearest_of_equal_silences():
    (cut,) = cut_at_pauses(TensorAudio(torch.zeros(1, 64 * RATE_HZ), RATE_HZ), 100, CLIP_SECONDS, section_seconds=32)
    assert (cut.clip, cut.loudness_db) == (50, 0.0)


@pytest.mark.parametrize(("clips", "section_seconds", "cuts"), [(10, 300, 0), (1, 0.1, 0), (10, 0.1, 9), (2, 0.64, 1)])
def test_at_least_a_clip_between_cuts(clips, section_seconds, cuts):
    found = [
        cut.clip for cut in cut_at_pauses(voice(float(clips * CLIP_SECONDS)), clips, CLIP_SECONDS, section_seconds)
    ]
    assert len(found) == cuts and found == sorted(set(found)) and all(0 < clip < clips for clip in found)
