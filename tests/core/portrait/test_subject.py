import pytest
import torch

from hallo2_core.errors import PortraitError, SettingsError
from hallo2_core.payloads import Box
from hallo2_core.portrait.face_analysis import Face
from hallo2_core.portrait.subject import Expansion, Region, choose_subject

PICTURE = torch.zeros(400, 600, 3)
RELEASED = Expansion(face=1.2, lips=2.0)


def face_at(left, top, side, yaw=0.0):
    """A face whose landmarks fill the square evenly."""
    points = torch.rand(468, 2, generator=torch.Generator().manual_seed(0)) * side + torch.tensor([left, top])
    points[33], points[263] = torch.tensor([left, top + side / 2]), torch.tensor([left + side, top + side / 2])
    return Face(torch.tensor([left, top, left + side, top + side]).float(), 0.9, points, points[:5], yaw, False)


class Finds:
    """Finds the faces it is told, the largest first, in pictures of the size it is told."""

    def __init__(self, *faces, shape=PICTURE.shape):
        self.faces, self.shape = sorted(faces, key=lambda face: -face.area), shape

    def find(self, picture):
        return self.faces if picture.shape == self.shape else []


def choose(faces, index=0, expansion=RELEASED, face_mask=None, lip_mask=None, whole_picture=False):
    return choose_subject(PICTURE, faces, index, expansion, face_mask, lip_mask, whole_picture)


def drawn(left, top, right, bottom, strength=1.0):
    mask = torch.zeros(PICTURE.shape[:2])
    mask[top:bottom, left:right] = strength
    return mask


def test_the_largest_face_is_number_zero():
    small, large = face_at(20, 20, 60), face_at(300, 100, 200)
    assert choose(Finds(small, large)).chosen is large
    assert choose(Finds(small, large), index=1).chosen is small


@pytest.mark.parametrize("index", [-1, 2, 7])
def test_a_number_that_no_face_has_tells_how_many_there_are(index):
    with pytest.raises(PortraitError, match=f"Face number {index} was requested, but 2 faces were found.*0.*to 1"):
        choose(Finds(face_at(20, 20, 60), face_at(300, 100, 200)), index=index)


def test_a_drawn_face_goes_before_found_ones_and_takes_the_face_under_it():
    near, far = face_at(20, 20, 60), face_at(300, 100, 200)
    subject = choose(Finds(near, far), face_mask=drawn(10, 10, 90, 100))
    assert subject.chosen is near
    assert subject.face.box_in(Box(0, 0, 600, 400)) == Box(10, 10, 90, 100)
    assert choose(Finds(far), face_mask=drawn(10, 10, 90, 100)).chosen is None


def test_lips_come_from_the_mask_the_landmarks_or_the_usual_place():
    whole = Box(0, 0, 600, 400)
    by_mask = choose(Finds(face_at(300, 100, 200)), lip_mask=drawn(350, 230, 450, 280))
    assert by_mask.lips.box_in(whole) == Box(350, 230, 450, 280) and not by_mask.notes
    usual = choose(None, face_mask=drawn(100, 100, 300, 350))
    lips = usual.lips.box_in(whole)
    assert 100 < lips.left < lips.right < 300 and 225 < lips.top < lips.bottom < 350
    assert any("lip mask" in note for note in usual.notes)


def test_faint_masks_count_by_their_strongest_part():
    faint = drawn(100, 100, 300, 350, strength=0.2)
    faint[0, 0] = 0.05
    assert choose(None, face_mask=faint).face.bounds == Box(100, 100, 300, 350)


def test_the_whole_picture_only_when_asked_for_and_nobody_is_found():
    with pytest.raises(PortraitError, match="No face was found in the 600x400 picture.*mask.*whole picture"):
        choose(Finds())
    with pytest.raises(PortraitError, match="cannot be found: connect a face analysis"):
        choose(None)
    subject = choose(Finds(), whole_picture=True)
    assert subject.face.bounds == Box(0, 0, 600, 400)
    assert "whole picture" in subject.notes[0]
    face = face_at(300, 100, 200)
    assert choose(Finds(face), whole_picture=True).chosen is face


def test_a_picture_that_lies_on_its_side_says_so():
    with pytest.raises(PortraitError, match="rotating it 90° clockwise"):
        choose(Finds(face_at(20, 20, 60), shape=(600, 400, 3)))


def test_a_head_turned_away_or_tilted_is_noted():
    notes = choose(Finds(face_at(300, 100, 200, yaw=-42.0))).notes
    assert len(notes) == 1 and "42° to the side" in notes[0]
    tilted = face_at(300, 100, 200)
    tilted.landmarks[263] = torch.tensor([400.0, 390.0])
    assert "tilted" in choose(Finds(tilted)).notes[0]
    assert not choose(Finds(face_at(300, 100, 200, yaw=20.0))).notes


def test_a_region_is_expanded_within_the_crop_only_where_it_was_found():
    corners = torch.tensor([[100.0, 100.0], [200.0, 180.0]])
    crop = Box(50, 90, 450, 390)
    assert Region("face", corners, 1.5).box_in(crop) == Box(25, 0, 175, 120)
    assert Region("face mask", corners).box_in(crop) == Box(50, 10, 150, 90)
    with pytest.raises(PortraitError, match="The face at .* lies outside"):
        Region("face", corners, 1.5).box_in(Box(300, 200, 400, 300))


@pytest.mark.parametrize(("face", "lips"), [(0.1, 2.0), (1.2, 9.0)])
def test_expansions_have_a_range(face, lips):
    with pytest.raises(SettingsError, match="expansion is"):
        Expansion(face, lips)
