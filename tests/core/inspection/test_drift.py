from dataclasses import replace

import pytest
import torch
from stand_ins import PressedCancelError, RecordingRuntime
from tiny import normal, portrait

from hallo2_core.errors import SettingsError
from hallo2_core.inspection.drift import measure_frames
from hallo2_core.runtime import LocalRuntime


def grey(levels, side=32):
    return [torch.full((side, side, 3), level, dtype=torch.uint8) for level in levels]


def measured(frames, person=None, clip_frames=4, faces=None):
    return list(measure_frames(iter(frames), person, clip_frames, LocalRuntime(), faces))


def test_change_is_counted_in_levels_and_seams_lie_between_clips():
    rows = measured(grey([10, 12, 12, 12, 50, 40, 40, 40, 255]))
    assert [row.change for row in rows] == [None, 2, 0, 0, 38, 10, 0, 0, 215]
    assert [row.frame for row in rows if row.is_seam] == [4, 8]


def test_without_a_portrait_the_first_frame_is_the_measure():
    rows = measured(grey([100, 100, 120]))
    assert rows[1].similarity == pytest.approx(1.0) and rows[1].colour_drift == pytest.approx(0.0)
    assert rows[2].colour_drift == pytest.approx(20, abs=1e-3) and rows[2].similarity < 1


def test_with_a_portrait_the_first_frame_may_have_drifted_already():
    white = replace(portrait(), pixels=torch.ones(3, 64, 64))
    assert measured(grey([235], 64), white)[0].colour_drift == pytest.approx(20, abs=1e-3)


def test_frames_are_asked_for_one_by_one():
    asked = []

    def frames():
        for frame in grey([1, 2, 3]):
            asked.append(len(asked))
            yield frame

    rows = measure_frames(frames(), None, 2, LocalRuntime())
    next(rows)
    assert asked == [0]


def test_cancel_is_heard_between_frames():
    with pytest.raises(PressedCancelError):
        next(measure_frames(iter(grey([1])), None, 2, RecordingRuntime(cancel_after=0)))


def test_a_clip_has_frames():
    with pytest.raises(SettingsError, match="has 0 frames; choose 1 or more"):
        measured(grey([1]), clip_frames=0)


class Recogniser:
    """Finds a face where a frame is not black; its identity turns away from the portrait's with the brightness."""

    def __init__(self, person):
        self.person, self.looks = person, 0

    def find(self, picture):
        self.looks += 1
        return ["a face"] * bool(picture.any())

    def identity(self, picture, face):
        return self.person.identity * (1 if picture.mean() < 0.5 else -2)


def test_identity_is_looked_at_once_a_clip():
    person = portrait()
    faces = Recogniser(person)
    rows = measured(grey([10] * 4 + [200] * 4 + [0] * 4 + [10], 64), person, faces=faces)
    assert [row.identity and round(row.identity, 4) for row in rows if row.frame % 4 == 3] == [1.0, -1.0, None]
    assert all(row.identity is None for row in rows if row.frame % 4 != 3) and faces.looks == 3


def test_a_portrait_without_an_embedding_has_no_identity_to_compare():
    person = replace(portrait(), identity=torch.zeros(512))
    faces = Recogniser(person)
    assert measured(grey([10] * 4, 64), person, faces=faces)[3].identity is None and faces.looks == 0


def test_noise_is_measured_too():
    frames = [normal(seed, 32, 32, 3).mul(40).add(128).clamp(0, 255).byte() for seed in range(2)]
    rows = measured(frames)
    assert 30 < rows[1].change < 60 and abs(rows[1].sharpness - 1) < 0.1 and rows[1].similarity < 0.5
