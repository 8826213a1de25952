import pytest
import torch
from faces_on_script import ScriptedFaces, face_at

from hallo2_core.upscaling.face_crop import face_square
from hallo2_core.upscaling.face_detections import as_float, detect_faces


def seen(script, frames, every, start=0):
    """The frames that were looked at, and each frame's detections."""
    finder = ScriptedFaces(script)
    pictures = (torch.full((1, 1, 3), frame, dtype=torch.uint8) for frame in range(start, frames))
    result = list(detect_faces(pictures, finder, every, start))
    assert [frame.index for frame in result] == list(range(start, frames))
    assert [int(frame.picture[0, 0, 0]) for frame in result] == list(range(start, frames))
    return sorted(finder.looked_at), [frame.detections for frame in result]


def test_while_nothing_happens_every_fourth_frame_is_looked_at_and_the_others_lie_between():
    looked_at, detections = seen(lambda frame: [face_at(50 + 2 * frame, 40)], 13, every=4)
    assert looked_at == [0, 4, 8, 12]
    for frame, (detection,) in enumerate(detections):
        face = face_at(50 + 2 * frame, 40)
        torch.testing.assert_close(detection.box, face.box)
        torch.testing.assert_close(detection.square, face_square(face.five_points))


def test_nobody_is_steady_too():
    assert seen(lambda frame: [], 9, every=4) == ([0, 4, 8], [()] * 9)


@pytest.mark.parametrize(
    "script",
    [
        lambda frame: [face_at(50, 40)] if frame > 5 else [],
        lambda frame: [face_at(50, 40)] if frame <= 5 else [],
        lambda frame: [face_at(50 if frame <= 5 else 200, 40)],
        lambda frame: [face_at(50, 40), *([face_at(200, 40)] if frame > 5 else [])],
    ],
    ids=["comes", "goes", "jumps", "another comes"],
)
def test_where_a_face_comes_goes_or_jumps_each_frame_is_looked_at(script):
    looked_at, detections = seen(script, 13, every=4)
    assert looked_at == [0, 4, 5, 6, 7, 8, 12]
    for frame in range(13):
        assert [s.box.tolist() for s in detections[frame]] == [face.box.tolist() for face in script(frame)]


def test_frames_after_the_last_regular_look_are_looked_at():
    looked_at, detections = seen(lambda frame: [face_at(50, 40)], 7, every=4)
    assert looked_at == [0, 4, 5, 6] and all(len(some) == 1 for some in detections)


def test_frames_before_the_first_regular_look_are_looked_at():
    looked_at, _ = seen(lambda frame: [face_at(50, 40)], 12, every=4, start=2)
    assert looked_at == [2, 3, 4, 8, 9, 10, 11]


def test_faces_listed_in_another_order_belong_together_all_the_same():
    def script(frame):
        pair = [face_at(50, 40), face_at(200, 60)]
        return pair[::-1] if frame == 4 else pair

    looked_at, detections = seen(script, 5, every=4)
    assert looked_at == [0, 4]
    torch.testing.assert_close(detections[2][0].box, face_at(50, 40).box)


def test_bytes_become_floats_from_0_to_1():
    assert as_float(torch.tensor([0, 255], dtype=torch.uint8)).tolist() == [0.0, 1.0]
    assert as_float(torch.tensor([0.25])).tolist() == [0.25]
