import math

import pytest
import torch
from faces_on_script import ScriptedFaces, face_at, moving_portrait, portrait_motion

from hallo2_core.portrait import similarity
from hallo2_core.portrait.face_analysis import built_in_face_analysis
from hallo2_core.upscaling.face_crop import face_square, square_to_picture
from hallo2_core.upscaling.face_tracks import context_frames, track_faces
from hallo2_core.upscaling.settings import UpscaleSettings


def settings(missed=3, smoothing=0.0, every=1):
    return UpscaleSettings(64, 64, missed_frames=missed, smoothing_frames=smoothing, detect_every_frames=every)


def tracked(script, frames, start=0, **changes):
    """Each frame's squares by track."""
    pictures = (torch.full((1, 1, 3), frame, dtype=torch.uint8) for frame in range(start, frames))
    result = list(track_faces(pictures, ScriptedFaces(script), settings(**changes), start))
    assert [frame.index for frame in result] == list(range(start, frames))
    assert all(int(frame.picture[0, 0, 0]) == frame.index for frame in result)
    return [dict(frame.faces) for frame in result]


def numbers(faces):
    return [set(frame) for frame in faces]


def test_nobody_anywhere():
    assert tracked(lambda frame: [], 5) == [{}] * 5
    assert list(track_faces([], None, settings())) == []
    assert [dict(frame.faces) for frame in track_faces([torch.zeros(4, 4, 3)], None, settings())] == [{}]


def test_one_face_keeps_its_number_and_its_own_square_without_smoothing():
    faces = tracked(lambda frame: [face_at(50 + 3 * frame, 40)], 12)
    assert numbers(faces) == [{0}] * 12
    for frame, squares in enumerate(faces):
        torch.testing.assert_close(squares[0], face_square(face_at(50 + 3 * frame, 40).five_points))


def test_two_faces_that_change_places_in_the_list_keep_their_numbers():
    def script(frame):
        pair = [face_at(50 + frame, 40), face_at(200 - frame, 60)]
        return pair if frame % 2 else pair[::-1]

    faces = tracked(script, 10)
    assert numbers(faces) == [{0, 1}] * 10
    for number in (0, 1):
        path = torch.stack([squares[number][0] for squares in faces])
        assert float(path.diff().abs().max()) < 1.5


def test_a_missed_face_is_put_on_the_line_between_its_neighbours():
    faces = tracked(lambda frame: [] if frame in (4, 5, 6) else [face_at(50 + 2 * frame, 40)], 10)
    assert numbers(faces) == [{0}] * 10
    assert [round(float(squares[0][0])) for squares in faces] == [50 + 2 * frame for frame in range(10)]


def test_a_face_missed_for_longer_has_left_and_comes_back_as_another():
    faces = tracked(lambda frame: [] if 4 <= frame < 8 else [face_at(50, 40)], 12, missed=3)
    assert numbers(faces) == [{0}] * 4 + [set()] * 4 + [{1}] * 4


def test_a_face_that_appears_late_or_for_one_frame_only():
    faces = tracked(lambda frame: [face_at(50, 40)] if frame == 5 else [], 8)
    assert numbers(faces) == [set()] * 5 + [{0}] + [set()] * 2


def test_a_jump_to_elsewhere_is_another_face():
    faces = tracked(lambda frame: [face_at(50 if frame < 5 else 300, 40)], 10, smoothing=2.0)
    assert numbers(faces) == [{0}] * 5 + [{1}] * 5
    assert float(faces[4][0][0]) == pytest.approx(50, abs=1e-3)


def test_while_one_face_is_missed_another_is_not_taken_for_it():
    def script(frame):
        return [face_at(200, 40)] if frame in (3, 4) else [face_at(50, 40), face_at(200, 40)]

    faces = tracked(script, 8)
    assert numbers(faces) == [{0, 1}] * 8
    assert [round(float(squares[0][0])) for squares in faces] == [50] * 8


def test_a_face_that_could_go_on_from_two_goes_on_from_the_later():
    faces = tracked(lambda frame: [face_at((100, 140, 120, 120)[frame], 40)], 4)
    assert numbers(faces) == [{0}, {1}, {1}, {1}]


def test_smoothing_takes_the_jitter_and_leaves_the_movement():
    noise = torch.randn(80, 2, generator=torch.Generator().manual_seed(0))

    def path(frame):
        return 100 + 30 * math.sin(frame / 12)

    def script(frame):
        dx, dy = noise[frame].tolist()
        return [face_at(path(frame) + dx, 60 + dy, 30.0)]

    true = torch.tensor([path(frame) for frame in range(80)])

    def errors(smoothing):
        x = torch.stack([squares[0][0] for squares in tracked(script, 80, smoothing=smoothing)])
        return float((x - true).diff().std()), float((x - true)[4:-4].abs().max())

    (jitter, _), (smoothed_jitter, worst) = errors(0.0), errors(2.0)
    assert smoothed_jitter < jitter / 4
    assert worst < 1.5


def test_turns_are_averaged_around_the_circle():
    faces = tracked(lambda frame: [face_at(50, 40, turn_degrees=179.0 if frame % 2 else -179.0)], 9, smoothing=2.0)
    angle = math.degrees(math.atan2(faces[4][0][4], faces[4][0][3]))
    assert abs(angle) > 178.9


@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("seed", range(5))
def test_what_a_frame_gets_depends_on_the_frames_close_by_alone(seed, every):
    """Two faces that come, go, cross and are missed at random: gone on with from anywhere, the squares are the same."""
    chance = torch.rand(70, 3, generator=torch.Generator().manual_seed(seed))

    def script(frame):
        faces = []
        if chance[frame, 0] > 0.3:
            faces.append(face_at(50 + 2 * frame + 4 * float(chance[frame, 2]), 60))
        if chance[frame, 1] > 0.4:
            faces.append(face_at(190 - 2 * frame, 64))
        return faces

    options = {"missed": 2, "smoothing": 1.5, "every": every}
    context = context_frames(settings(**options))
    whole = tracked(script, 70, **options)
    assert len({number for squares in whole for number in squares}) > 2
    for start in range(0, 60, 7):
        rest = tracked(script, 70, start=start, **options)
        for frame in range(start + context if start else 0, 70):
            expected = sorted(square.tolist() for square in whole[frame].values())
            assert sorted(square.tolist() for square in rest[frame - start].values()) == expected, (start, frame)


def test_frames_are_held_for_their_context_and_no_longer():
    given = 0

    def pictures():
        nonlocal given
        for _ in range(50):
            given += 1
            yield torch.zeros(1, 1, 3)

    options = settings(missed=4, smoothing=1.0, every=4)
    for frame in track_faces(pictures(), ScriptedFaces(lambda _: [face_at(50, 40)]), options):
        assert given <= frame.index + context_frames(options) + 1


def test_jitter_of_the_real_finder_on_a_moving_noisy_portrait_is_a_quarter_at_most():
    """The square is followed back into the portrait, where a perfect one would not move at all."""
    frames, side = 24, 192
    finder = built_in_face_analysis()

    def jitter(smoothing, every=1):
        clip = track_faces(moving_portrait(frames, side, noise=0.06), finder, settings(3, smoothing, every))
        corners = []
        for frame in clip:
            (square,) = frame.faces.values()
            to_portrait = similarity.inverse(portrait_motion(frame.index, side))
            points = similarity.apply(square_to_picture(square, 1), torch.tensor([[0.0, 0.0], [1.0, 1.0]]))
            corners.append(similarity.apply(to_portrait, points))
        steps = torch.stack(corners)[4:-4].diff(n=2, dim=0)
        return float(steps.norm(dim=-1).mean())

    raw, smoothed, sparse = jitter(0.0), jitter(2.0), jitter(2.0, every=4)
    print(f"jitter: {raw:.3f} px as found, {smoothed:.3f} px smoothed, {sparse:.3f} px when looking every fourth frame")
    assert smoothed < raw / 4 and sparse < raw / 4
