"""Expressions are read off drawn frames of faces that talk."""

from dataclasses import replace

import pytest
import torch

from hallo2_core.training import expression_reading
from hallo2_core.training.cartoons import EXPRESSIONS, Actor, Direction, Mood, Tracks, draw
from hallo2_core.training.expression_reading import expression_reader, seconds_to_recognition


def test_a_drawn_change_is_read_within_a_second(monkeypatch):
    monkeypatch.setattr(expression_reading, "DRAWN_FRAMES", 150)
    reader = expression_reader(5, "held_back", 64)
    direction = Direction((Mood(0.0, "happy"), Mood(0.8, "angry")), strength=0.9)
    talking = 0.5 + 0.5 * torch.sin(torch.arange(50) * 0.9)
    tracks = replace(Tracks.still(50), mouth_open=talking, expression=direction.weights(50, 25))
    read = reader.read(draw(Actor.from_seed(5, "held_back"), tracks, 64))
    happy, angry = EXPRESSIONS.index("happy"), EXPRESSIONS.index("angry")
    assert (read[:20] == happy).float().mean() > 0.9 and (read[35:] == angry).float().mean() > 0.9
    assert seconds_to_recognition(read[20:], angry, 25) <= 0.6
    assert seconds_to_recognition(read, EXPRESSIONS.index("sad"), 25) is None


def test_a_recognition_has_to_last():
    read = torch.tensor([0, 1, 1, 0, 1, 1, 1, 1, 1, 1])
    assert seconds_to_recognition(read, 1, 25) == pytest.approx(4 / 25)
