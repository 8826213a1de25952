"""Clips of pictures whose color says how many faces there are, where, and in which scene."""

from fractions import Fraction

import torch

from hallo2_core.portrait.face_analysis import Face
from hallo2_core.portrait.face_landmarks import Landmarks
from hallo2_core.training.data.clip_spans import ClipSpan, clip_spans
from hallo2_core.training.data.face_track import DETECT_EVERY
from hallo2_core.training.data.skipped import Skipped

FPS = Fraction(25)
OVAL = torch.rand(468, 2, generator=torch.Generator().manual_seed(0)) * 20.0


class ScriptedFaces:
    """Red: the number of faces. Green: the place of the first."""

    def __init__(self):
        self.landmarker = self
        self.detections = 0
        self._last = OVAL

    def find(self, picture):
        self.detections += 1
        count, place = (round(float(x) * 255) for x in picture[0, 0, :2])
        faces = [OVAL + place + 30 * number for number in range(count)]
        self._last = faces[0] if faces else OVAL
        return [Face(torch.tensor([0.0, 0, 20, 20]), 1.0, points, points[:5], 3.0, False) for points in faces]

    def identity(self, picture, face):
        return torch.full((512,), float(face.landmarks.amin()))

    def locate(self, part, box, eyes):
        count, place = (round(float(x) * 255) for x in part[:2, 0, 0])
        corner = self._last.amin(dim=0) - box[:2]
        self._last = OVAL + place
        return Landmarks(self._last - corner, 1.0 if count else 0.0, 3.0)


def pictures(script):
    """script: (frames, faces, place, scene) after another."""
    for frames, faces, place, scene in script:
        for _ in range(frames):
            yield torch.tensor([faces, place, scene], dtype=torch.uint8).expand(80, 120, 3)


def spans_of(script, first=0, length=30, limit=1000):
    numbered = [(2 * number, picture) for number, picture in enumerate(pictures(script))]
    return list(clip_spans(iter(numbered[first:]), first, limit, length, FPS, ScriptedFaces()))


def told(found):
    return [
        (one.start.frame, one.stop) if isinstance(one, ClipSpan)
        else (round(one.start_seconds * 25), round(one.end_seconds * 25), one.reason)
        for one in found
    ]  # fmt: skip


SCRIPT = [(70, 1, 40, 0), (10, 0, 40, 0), (20, 1, 40, 0), (60, 1, 40, 200), (12, 2, 40, 200), (30, 1, 40, 200)]
EXPECTED = [
    (0, 30), (30, 60), (60, 70, "no face"), (70, 80, "no face"), (80, 100, "too short between two cuts"),
    (100, 130), (130, 160), (160, 175, "several faces"), (175, 202),
]  # fmt: skip


def test_clips_end_with_their_length_the_scene_and_the_face():
    assert told(spans_of(SCRIPT)) == EXPECTED


def test_a_clip_knows_the_face_of_each_frame_and_where_it_is_in_the_file():
    first = spans_of(SCRIPT)[0]
    assert first.frames == 30 and all(torch.equal(face.landmarks, OVAL + 40) for face in first.faces)
    assert (first.start.source_frame, first.end.frame, first.end.source_frame) == (0, 30, 58)
    assert torch.equal(first.identity, torch.full((512,), float(OVAL.amin() + 40)))


def test_it_can_begin_anew_at_the_end_of_any_clip():
    whole = spans_of(SCRIPT)
    ends = [(number + 1, one.stop) for number, one in enumerate(whole) if isinstance(one, ClipSpan)]
    assert len(ends) == 5
    for number, end in ends:
        assert told(spans_of(SCRIPT, first=end)) == told(whole[number:])


def test_a_face_that_jumps_ends_a_clip():
    assert told(spans_of([(27, 1, 40, 0), (30, 1, 50, 0)])) == [(0, 27), (27, 57)]
    assert told(spans_of([(10, 1, 40, 0), (30, 1, 50, 0)])) == [(0, 10, "the face jumps"), (10, 40)]


def test_a_face_that_moves_does_not():
    assert told(spans_of([(1, 1, place, 0) for place in range(40, 70)])) == [(0, 30)]


def test_frames_after_the_sound_are_not_used():
    assert told(spans_of([(60, 1, 40, 0)], limit=28)) == [(0, 28)]
    assert told(spans_of([(60, 1, 40, 0)], limit=20)) == [(0, 20, "too short")]


def test_the_detector_looks_once_a_second():
    faces = ScriptedFaces()
    numbered = iter(list(enumerate(pictures([(100, 1, 40, 0)]))))
    assert len(list(clip_spans(numbered, 0, 1000, 100, FPS, faces))) == 1
    assert faces.detections == 100 // DETECT_EVERY


def test_a_picture_without_faces_is_one_skipped_part():
    (only,) = spans_of([(50, 0, 0, 0)])
    assert only == Skipped("no face", "", 0.0, 2.0)
