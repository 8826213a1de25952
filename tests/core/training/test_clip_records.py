"""What a clip's record tells of its performance."""

import torch
from tiny import models

from hallo2_core.training.cartoons import Actor, Direction, Mood, Tracks, draw, measure
from hallo2_core.training.clip_records import EXPRESSION, MOOD, clip_record


def test_a_record_holds_what_the_face_shows_and_what_is_asked_for():
    direction = Direction((Mood(0.0, "neutral"), Mood(0.08, "angry")))
    actor, tracks = Actor.from_seed(3, "train"), Tracks.still(4)
    frames, truth = draw(actor, tracks, 64), measure(actor, tracks, 64)
    record = clip_record(frames, truth, direction, torch.zeros(4, 2, 8), models().vae)
    torch.testing.assert_close(record[EXPRESSION], direction.weights(4, 25))
    assert record[MOOD].tolist() == [0, 0, 3, 3]
