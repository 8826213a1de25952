import pytest
import torch

from hallo2_core.training.cartoons.espeak import Phoneme
from hallo2_core.training.cartoons.visemes import mouth_curves

FPS = 25


def said(*sounds: str, each: float = 0.12) -> dict[str, torch.Tensor]:
    phonemes = tuple(Phoneme(i * each, (i + 1) * each, sound) for i, sound in enumerate(sounds))
    return mouth_curves(phonemes, round(len(sounds) * each * FPS), FPS)


def test_lips_shut_for_m_and_open_for_ah():
    curves = said("ɑː", "m", "ɑː")["mouth_open"]
    assert curves[1] > 0.7 and curves[-2] > 0.7 and curves[4] < 0.15


def test_a_short_p_between_vowels_still_shuts_the_lips():
    phonemes = (Phoneme(0.0, 0.2, "a"), Phoneme(0.2, 0.26, "p"), Phoneme(0.26, 0.5, "a"))
    assert mouth_curves(phonemes, 12, FPS)["mouth_open"].min() < 0.25


def test_oo_is_round_and_ee_is_wide():
    oo, ee = said("uː"), said("iː")
    assert oo["mouth_round"].mean() > 0.9 and ee["mouth_round"].mean() < 0.05
    assert ee["mouth_width"].mean() > 0.7 and oo["mouth_width"].mean() < 0.05


def test_s_brings_the_teeth_together_and_l_raises_the_tongue():
    assert said("s")["teeth"].mean() > 0.9 and said("l")["tongue"].mean() > 0.8


def test_rounding_reaches_into_the_neighbors():
    alone, beside = said("t", "t", "t"), said("t", "t", "uː")
    assert alone["mouth_round"].max() < 0.01 and beside["mouth_round"][4:6].max() > 0.2


def test_a_diphthong_goes_from_its_first_vowel_to_its_second():
    rounding = said("aʊ", each=0.4)["mouth_round"]
    assert rounding[1] < 0.1 and rounding[-2] > 0.6


@pytest.mark.parametrize("phonemes", [(), (Phoneme(0.0, 1.0, ""),), (Phoneme(0.0, 1.0, "ʘ"),)])
def test_pauses_and_unknown_sounds_leave_the_mouth_shut(phonemes):
    assert mouth_curves(phonemes, 25, FPS)["mouth_open"].max() == 0


def test_a_long_speech_is_made_of_pieces_without_seams():
    sounds = ["a", "m", "uː", "s", "iː", "l"] * 100  # 72 s, several pieces
    long, short = said(*sounds), said(*sounds[:300])
    for name, curve in long.items():
        assert torch.allclose(curve[:890], short[name][:890], atol=1e-5)
        period = round(6 * 0.12 * FPS)
        assert torch.allclose(curve[period : 2 * period], curve[-2 * period : -period], atol=1e-2)
