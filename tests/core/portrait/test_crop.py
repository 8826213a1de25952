import pytest

from hallo2_core.errors import PortraitError, SettingsError
from hallo2_core.payloads import Box
from hallo2_core.portrait.crop import choose_crop, inside

FACE = Box(200, 150, 300, 280)  # 100×130


def test_auto_leaves_a_well_framed_picture_whole():
    assert choose_crop("auto", Box(150, 100, 350, 350), 512, 512, 512, 512) == Box(0, 0, 512, 512)
    assert choose_crop("auto", Box(150, 100, 350, 350), 512, 512, 256, 512) != Box(0, 0, 512, 512)  # another shape


def test_auto_goes_to_the_face_when_it_is_small():
    assert choose_crop("auto", FACE, 512, 512, 512, 512) == choose_crop("face", FACE, 512, 512, 512, 512)


@pytest.mark.parametrize(("height", "width"), [(512, 512), (512, 320), (320, 512)])
def test_the_face_takes_half_of_the_frame_with_room_for_hair(height, width):
    crop = choose_crop("face", FACE, 1000, 1000, height, width)
    assert abs(crop.width / crop.height - width / height) < 0.01
    assert max(FACE.height / crop.height, FACE.width / crop.width) == pytest.approx(0.5, abs=0.01)
    assert abs((crop.left + crop.right) / 2 - 250) <= 1
    assert FACE.top - crop.top > crop.bottom - FACE.bottom > 0


@pytest.mark.parametrize(
    "face", [Box(0, 0, 100, 130), Box(900, 460, 1000, 590), Box(-20, 450, 80, 640), Box(100, 20, 700, 580)]
)
@pytest.mark.parametrize(("height", "width"), [(512, 512), (512, 320), (320, 512)])
def test_crops_stay_inside_the_picture_and_keep_their_shape(face, height, width):
    crop = choose_crop("face", face, 600, 1000, height, width)
    assert 0 <= crop.left < crop.right <= 1000 and 0 <= crop.top < crop.bottom <= 600
    assert abs(crop.width / crop.height - width / height) < 0.02


def test_centre_is_the_largest_part_in_the_middle():
    assert choose_crop("centre", FACE, 600, 1000, 512, 512) == Box(200, 0, 800, 600)
    assert choose_crop("centre", FACE, 1000, 600, 320, 640) == Box(0, 350, 600, 650)
    assert choose_crop("none", FACE, 600, 1000, 512, 512) == Box(0, 0, 1000, 600)


def test_an_unknown_crop_is_refused():
    with pytest.raises(SettingsError, match="'square'; choose one of auto, face, centre, none"):
        choose_crop("square", FACE, 600, 1000, 512, 512)


def test_a_box_in_the_crops_own_pixels():
    assert inside(Box(190, 10, 260, 90), Box(200, 0, 800, 600), "face") == Box(0, 10, 60, 90)
    with pytest.raises(PortraitError, match="The face at 0,0-100,100 px lies outside"):
        inside(Box(0, 0, 100, 100), Box(200, 0, 800, 600), "face")
