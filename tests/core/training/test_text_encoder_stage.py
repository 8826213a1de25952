"""The small text encoder: words from their letters, a mood from words."""

import numpy as np
import torch

from hallo2_core.config import SmallTextConfig
from hallo2_core.models.layers import Build
from hallo2_core.models.text_encoder import TextTransformer, pieces_of
from hallo2_core.training.cartoons import EXPRESSIONS
from hallo2_core.training.text_encoder_stage import TextEncoderStage
from hallo2_core.training.text_phrases import WORDS, drawn_phrase, words_of

TINY = SmallTextConfig(buckets=256, width=16, feed_forward_width=16, text_width=8)


def encoder():
    torch.manual_seed(0)
    return TextTransformer(TINY, Build(dtype=torch.float32))


def test_an_embedding_does_not_depend_on_the_texts_beside_it():
    texts = [pieces_of(text, TINY.buckets) for text in ("smiling", "a person talks sadly, then nods", "!")]
    network = encoder()
    together = network(texts)
    for number, text in enumerate(texts):
        torch.testing.assert_close(network([text])[0], together[number])
    assert together.shape == (3, 8)
    assert not torch.allclose(together[0], together[1], atol=0.1)


def test_words_of_one_stem_share_pieces():
    (smiles,), (smiling,) = pieces_of("Smiles", 1 << 20), pieces_of("smiling", 1 << 20)
    assert len(set(smiles) & set(smiling)) >= 5
    assert pieces_of("SMILES", 256) == pieces_of("smiles", 256)


def test_held_back_words_are_never_learned_from():
    for mood, parts in WORDS.items():
        for part, words in parts.items():
            assert set(words_of(mood, part, "train")) | set(words_of(mood, part, "held_back")) == set(words)
            assert not set(words_of(mood, part, "train")) & set(words_of(mood, part, "held_back"))


def test_phrases_differ_and_their_seed_decides():
    drawn = [drawn_phrase(np.random.default_rng(seed), "angry", "train") for seed in range(200)]
    assert len(set(drawn)) > 190
    assert drawn[7] == drawn_phrase(np.random.default_rng(7), "angry", "train")


def test_it_learns_to_tell_moods_apart():
    stage = TextEncoderStage(encoder(), seed=0)
    batch = stage.batch(range(40))
    assert set(batch.moods.tolist()) == set(range(len(EXPRESSIONS)))
    optimizer = torch.optim.AdamW(stage.network.parameters(), 2e-2)
    for _ in range(40):
        figures = stage.network(batch)
        optimizer.zero_grad()
        figures["loss"].backward()
        optimizer.step()
    assert stage.network(batch)["right"] > 0.9
    assert set(stage.validate()) == {"right_train", "right_held_back"}
