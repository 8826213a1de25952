import re

import numpy as np

from hallo2_core.training.cartoons.captions import MOODS, caption
from hallo2_core.training.cartoons.sentences import chosen_sentences, sentences
from hallo2_core.training.cartoons.tracks import EXPRESSIONS


def test_splits_share_no_sentence_and_both_have_many():
    train, held_back = sentences("train"), sentences("held_back")
    assert not set(train) & set(held_back)
    assert len(train) >= 150 and len(held_back) >= 30
    assert len({*train, *held_back}) == len(train) + len(held_back)


def test_sentences_can_be_spoken_as_they_stand():
    for sentence in (*sentences("train"), *sentences("held_back")):
        assert re.fullmatch(r"[A-Z][A-Za-z ,.'?!]+[.?!]", sentence), sentence


def test_no_sentence_comes_twice_before_all_were_used():
    every = len(sentences("held_back"))
    chosen = chosen_sentences(np.random.default_rng(0), "held_back", every + 3)
    assert len(chosen) == every + 3 and len(set(chosen[:every])) == every


def test_captions_name_every_mood_and_the_gesture():
    rng = np.random.default_rng(0)
    assert set(MOODS) == set(EXPRESSIONS)
    words = caption(rng, ["happy", "sad"], "nod")
    assert "nod" in words and ", then " in words
    assert any(mood in words for mood in MOODS["happy"]) and any(mood in words for mood in MOODS["sad"])
    assert "head" not in caption(rng, ["neutral"], "none")
