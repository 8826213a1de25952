from copy import deepcopy

import pytest
import torch

from hallo2_core.checkpoints.demo import demo_text_network
from hallo2_core.config import SmallTextConfig
from hallo2_core.errors import TimelineError
from hallo2_core.timeline.demo_encoder import DemoTextEncoder


@pytest.fixture(scope="module")
def encoder():
    return DemoTextEncoder()


def test_an_embedding_does_not_depend_on_the_other_texts(encoder):
    embedded = encoder.embed(["a happy face", "A Happy Face", "angry", ";"])
    assert embedded.shape == (4, SmallTextConfig().text_width) and embedded.dtype == torch.float32
    assert torch.equal(embedded[0], embedded[1]) and not torch.allclose(embedded[0], embedded[2])
    assert torch.equal(encoder.embed(["angry"])[0], embedded[2])
    assert encoder.fingerprint == DemoTextEncoder().fingerprint


def test_another_network_gives_other_embeddings_and_another_fingerprint(encoder):
    other = deepcopy(demo_text_network())
    for parameter in other.parameters():
        parameter.mul_(1.1)
    changed = DemoTextEncoder(other)
    assert changed.fingerprint != encoder.fingerprint
    assert not torch.allclose(changed.embed(["angry"]), encoder.embed(["angry"]))


def test_words_of_one_mood_are_closer_than_words_of_two(encoder):
    happy, smiling, angry, furious = encoder.embed(["happy", "smiling", "angry", "furious"])
    cosine = torch.nn.functional.cosine_similarity
    assert cosine(happy, smiling, dim=0) > cosine(happy, angry, dim=0) < cosine(angry, furious, dim=0)


def test_a_text_that_is_too_long_is_refused(encoder):
    with pytest.raises(TimelineError, match="has 65 words; the demo's text encoder reads 64. Make it shorter"):
        encoder.embed(["smile " * 65])
