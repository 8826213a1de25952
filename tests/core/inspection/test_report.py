from fractions import Fraction

import pytest

from hallo2_core.inspection.drift import FrameMeasures
from hallo2_core.inspection.report import DriftSummary


def summary(frames, clip_frames=4, **values):
    """values: functions of the frame's number."""
    told = DriftSummary(clip_frames)
    for frame in range(frames):
        measures = {"change": 1.0, "similarity": 0.9, "sharpness": 1.0, "colour_drift": 0.0, "identity": None}
        measures |= {name: value(frame) for name, value in values.items()}
        if frame == 0:
            measures["change"] = None
        told.add(FrameMeasures(frame, frame > 0 and frame % clip_frames == 0, **measures))
    return told


def worst(report, name):
    return [(moment.frame, moment.value) for moment in report.worst if moment.measure == name]


def test_the_seam_jump_is_the_change_at_borders_over_that_inside():
    report = summary(12, change=lambda frame: 6.0 if frame % 4 == 0 else 2.0).report()
    assert report.seam_jump == 3.0 and (report.frames, report.clips) == (12, 3)


@pytest.mark.parametrize(("frames", "change"), [(1, 1.0), (4, 1.0), (12, 0.0)])
def test_without_seams_or_movement_there_is_no_telling(frames, change):
    report = summary(frames, change=lambda frame: change).report()
    assert report.seam_jump is None and "is unknown" in report.text(Fraction(25))


def test_first_and_last_are_means_over_a_clip():
    report = summary(10, similarity=lambda frame: 1 - frame / 10, identity=lambda frame: 0.5 if frame < 4 else None)
    assert report.report().first == pytest.approx(
        {"similarity": 0.85, "sharpness": 1.0, "colour_drift": 0.0, "identity": 0.5}
    )
    assert report.report().last["similarity"] == pytest.approx(0.25) and "identity" not in report.report().last


def test_the_worst_moments_are_of_different_clips_and_the_worst_comes_first():
    report = summary(
        40,
        change=lambda frame: 100.0 if frame == 5 else float(frame),
        similarity=lambda frame: {9: 0.1, 10: 0.05, 30: 0.2, 39: 0.3, 0: 0.4}.get(frame, 0.9),
        sharpness=lambda frame: {3: 0.25, 20: 3.0}.get(frame, 1.0),
    ).report()
    assert worst(report, "change") == [(36, 36.0), (32, 32.0), (28, 28.0)]  # only seams: not frame 5
    assert worst(report, "similarity") == [(10, 0.05), (30, 0.2), (39, 0.3)]
    assert worst(report, "sharpness")[:2] == [(3, 0.25), (20, 3.0)]  # soft and hard alike
    assert not worst(report, "identity")


def test_the_text_says_when():
    text = summary(40, colour_drift=lambda frame: 50.0 if frame == 30 else 0.0).report().text(Fraction(25))
    assert "40 frames, 10 clips. Seam jump: 1.00" in text
    assert "1.20 s (frame 30): colour drift 50.000" in text


def test_what_is_kept_does_not_grow_with_the_video():
    short, long = summary(3_000), summary(30_000)
    for told in (short, long):
        assert all(len(curve.columns) <= 1024 for curve in told.curves.values())
        assert len(told.report().worst) <= 5 * 3
