import pytest
import torch

from hallo2_core.evaluation.identity import Identity
from hallo2_core.portrait.face_analysis import Face


class ByColor:
    """The embedding of a frame's only face is its color; dark frames have none."""

    def find(self, picture):
        if picture.mean() < 0.1:
            return []
        return [Face(torch.zeros(4), 1.0, torch.zeros(468, 2), torch.zeros(5, 2), 0.0, True)]

    def identity(self, picture, face):
        return picture[0, 0]


def frame(*rgb):
    return torch.tensor(rgb, dtype=torch.uint8).expand(4, 4, 3)


RED, GREEN, DARK = frame(200, 0, 0), frame(0, 200, 0), frame(0, 0, 0)


def identity_of(frames, reference=None, every=1):
    identity = Identity(ByColor(), every)
    values = [identity.add(one, reference) for one in frames]
    return identity.figures(), values


def test_against_the_videos_own_first_face():
    figures, values = identity_of([DARK, RED, RED, GREEN])
    assert values == [{}, {"identity": 1.0}, {"identity": 1.0}, {"identity": 0.0}]
    assert figures["identity"] == pytest.approx(2 / 3)


def test_against_the_reference():
    assert identity_of([RED, RED], reference=GREEN)[0] == {"identity": 0.0}


def test_only_the_last_frame_of_each_clip_is_measured():
    _, values = identity_of([RED] * 7, every=3)
    assert [bool(value) for value in values] == [False, False, True, False, False, True, False]


def test_a_video_without_a_face_has_no_identity():
    assert identity_of([DARK] * 3) == ({}, [{}, {}, {}])
