"""Actors are told apart by their drawn faces: the instrument of identity over a long video."""

import torch

from hallo2_core.training import actor_recognition
from hallo2_core.training.actor_recognition import actor_recognizer, face_place
from hallo2_core.training.cartoons import Actor, draw
from hallo2_core.training.draws import sample_rng
from hallo2_core.training.prepare_pictures import scattered_tracks

SIZE = 64


def test_actors_never_seen_are_told_apart(monkeypatch):
    monkeypatch.setattr(actor_recognition, "READ_SIDE", 12)
    recognizer = actor_recognizer(actors=40)
    faces = []
    for seed in range(6):
        tracks = scattered_tracks(sample_rng(9, seed, "test"), 4)
        frames = draw(Actor.from_seed(seed, "held_back"), tracks, SIZE)
        faces.append(recognizer.embed(frames, face_place(seed, "held_back", SIZE)))
    embedded = torch.stack(faces)  # (a f 64)
    assert torch.allclose(embedded.norm(dim=-1), torch.ones(6, 4))
    same = torch.stack([(one @ one.T)[~torch.eye(4, dtype=torch.bool)].mean() for one in embedded])
    means = embedded.mean(dim=1)
    other = (means @ means.T)[~torch.eye(6, dtype=torch.bool)]
    assert same.min() > other.max()
