"""Timelines in a job's key: equal meaning, equal fingerprint."""

from dataclasses import replace

import pytest
import torch
from seeded_models import SeededTextEncoder

from hallo2_core.jobs.fingerprint import fingerprint
from hallo2_core.timeline.masking import Masking
from hallo2_core.timeline.prompts import encode_prompts
from hallo2_core.timeline.transitions import Transition
from hallo2_core.timeline.weights import parse_weights


def prompts(text, seconds=0.5, masking=None):
    return encode_prompts(text, SeededTextEncoder(), Transition(seconds), masking)


def weights(text, seconds=0.5):
    return parse_weights(text, Transition(seconds))


def test_how_it_is_written_does_not_count():
    assert fingerprint(prompts("0-4.50s a;\n\n 0:04.5-  b ;")) == fingerprint(prompts("0-4.5 a; 4.5- b"))
    assert fingerprint(weights("cfg 4.0@2-5\n lip 1.20 @ 0-0:03")) == fingerprint(weights("lip 1.2 @ 0-3; cfg 4 @ 2-5"))


def test_notes_do_not_count():
    assert fingerprint(prompts("0- a bad b", masking=Masking(("bad",)))) == fingerprint(prompts("0- a b"))


@pytest.mark.parametrize("other", ["0-4 a; 4- c", "0-4.5 a; 4.5- b", "0-100f a; 4- b", "0-4 a", "0-4 b; 4- a"])
def test_every_span_counts(other):
    assert fingerprint(prompts(other)) != fingerprint(prompts("0-4 a; 4- b"))


@pytest.mark.parametrize(
    "other", ["lip 1.3 @ 0-3", "lip 1.2 @ 0-2", "face 1.2 @ 0-3", "lip 1.2 @ 0-", "lip 1.2 @ 0-3f"]
)
def test_every_weight_counts(other):
    assert fingerprint(weights(other)) != fingerprint(weights("lip 1.2 @ 0-3"))


def test_transition_and_embeddings_count():
    of = prompts("0-4 a; 4- b")
    assert fingerprint(prompts("0-4 a; 4- b", 0.4)) != fingerprint(of)
    assert fingerprint(weights("lip 1 @ 0-3", 0.4)) != fingerprint(weights("lip 1 @ 0-3"))
    assert fingerprint(replace(of, embeddings=torch.zeros_like(of.embeddings))) != fingerprint(of)
