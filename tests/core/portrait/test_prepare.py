import pytest
import torch
import torch.nn.functional as F
from einops import rearrange

from hallo2_core.errors import PortraitError, SettingsError
from hallo2_core.payloads import Box
from hallo2_core.portrait.prepare import mapped_twice, prepare_portrait


def grid(levels, height, width, level=0):
    step = 8 << level
    return rearrange(levels[level], "(h w) -> h w", h=height // step, w=width // step)


def test_the_example_portrait_is_taken_whole(faces, portrait):
    made = prepare_portrait(portrait, faces, 256, 256)
    assert made.crop == Box(0, 0, 512, 512) and (made.width, made.height) == (256, 256)
    assert made.pixels.shape == (3, 256, 256) and made.pixels.min() >= -1 and made.pixels.max() <= 1
    shrunk = F.interpolate(rearrange(portrait, "h w c -> 1 c h w"), (256, 256), mode="bilinear", antialias=True)[0]
    assert (made.pixels - (shrunk * 2 - 1)).abs().max() < 0.02
    assert torch.equal(made.source, portrait)
    assert torch.equal(made.identity, torch.zeros(512))
    assert len(made.notes) == 1 and "identity" in made.notes[0]
    # Around the eyes it is face, on the mouth lip, in the corner neither.
    assert made.face_region[0, 88, 128] == 1 and made.face_region[0, 10, 10] == 0
    pose, face, lip = (grid(levels, 256, 256) for levels in (made.masks.pose, made.masks.face, made.masks.lip))
    assert face[10, 16] > 0.7 and lip[16, 16] > 0.7 and pose[1, 1] > 0.95 and face[1, 1] < 0.02 and lip[1, 1] < 0.02


@pytest.mark.parametrize(("width", "height"), [(512, 512), (256, 448), (448, 256)])
def test_a_wide_picture_is_cropped_to_the_face_in_any_shape(faces, picture, width, height):
    made = prepare_portrait(picture("portrait_wide.png"), faces, width, height)
    assert made.crop.width / made.crop.height == pytest.approx(width / height, abs=0.02)
    assert made.crop.left <= made.face_box.left and made.face_box.right <= made.crop.right
    assert made.face_region.shape == (3, height, width)
    for level in range(4):
        assert made.masks.lip[level].shape == ((height >> 3 + level) * (width >> 3 + level),)
    lip = grid(made.masks.lip, height, width)
    row, column = divmod(int(lip.argmax()), lip.shape[1])
    assert 0.45 < row / lip.shape[0] < 0.75 and abs(column / lip.shape[1] - 0.5) < 0.1
    # The face box and the masks speak of the same place.
    centre_x = (made.face_box.left + made.face_box.right) / 2 - made.crop.left
    assert abs(centre_x / made.crop.width - 0.5) < 0.05


def test_either_of_two_faces(faces, picture):
    two = picture("two_faces.png")
    assert prepare_portrait(two, faces, 256, 256).face_box.right < 288
    assert prepare_portrait(two, faces, 256, 256, face_index=1).face_box.left > 288
    with pytest.raises(PortraitError, match="2 faces were found"):
        prepare_portrait(two, faces, 256, 256, face_index=2)


def test_no_face_is_an_error_with_the_choices_and_each_choice_works(faces, picture):
    cup = picture("no_face.png")
    with pytest.raises(PortraitError, match="No face was found in the 320x320 picture.*face mask.*whole picture"):
        prepare_portrait(cup, faces, 256, 256)
    whole = prepare_portrait(cup, faces, 256, 256, whole_picture=True)
    assert whole.crop == Box(0, 0, 320, 320) and whole.face_region.min() == 1
    assert not grid(whole.masks.pose, 256, 256).any() and grid(whole.masks.lip, 256, 256).max() > 0.9

    mask = torch.zeros(320, 320)
    mask[80:240, 60:220] = 1
    by_mask = prepare_portrait(cup, faces, 256, 256, face_mask=mask, crop="none")
    assert by_mask.face_box == Box(60, 80, 220, 240)
    assert torch.equal(prepare_portrait(cup, None, 256, 256, face_mask=mask, crop="none").pixels, by_mask.pixels)
    close = prepare_portrait(cup, faces, 256, 256, face_mask=mask, crop="face")
    assert close.crop.width == 320  # twice the face's height


def test_drawn_masks_override_what_is_found(faces, portrait):
    lip = torch.zeros(1, 512, 512)
    lip[:, 60:100, 200:300] = 1
    pose = torch.zeros(512, 512)
    pose[:256] = 1
    made = prepare_portrait(portrait, faces, 256, 256, lip_mask=lip, pose_mask=pose)
    strongest = int(grid(made.masks.lip, 256, 256).argmax())
    assert divmod(strongest, 32)[0] < 8
    assert grid(made.masks.pose, 256, 256)[:14].min() == 1 and not grid(made.masks.pose, 256, 256)[18:].any()
    with pytest.raises(PortraitError, match="face mask is empty"):
        prepare_portrait(portrait, faces, 256, 256, face_mask=torch.zeros(1, 64, 64))


def test_pictures_come_in_any_form(faces, portrait):
    expected = prepare_portrait(portrait, faces, 128, 128)
    batch = torch.stack([portrait, torch.zeros_like(portrait)])
    made = prepare_portrait(batch, faces, 128, 128)
    assert torch.equal(made.pixels, expected.pixels) and "2 pictures were passed" in made.notes[0]
    alpha = torch.cat([portrait, torch.ones(512, 512, 1)], dim=-1)
    assert torch.equal(prepare_portrait(alpha, faces, 128, 128).pixels, expected.pixels)
    grey = prepare_portrait(portrait.mean(dim=-1), faces, 128, 128)
    assert grey.pixels.shape == (3, 128, 128)
    (before, after) = (rearrange(p.masks.face[0], "(h w) -> h w", h=16) for p in (expected, grey))
    assert (before - after).abs().mean() < 0.02


def test_a_small_face_is_noted(faces, picture, on_ground):
    notes = prepare_portrait(on_ground(600, 600, 200, 100, 100), faces, 512, 512, crop="none").notes
    assert any("only 14% of the frame" in note for note in notes)
    notes = prepare_portrait(picture("portrait_wide.png"), faces, 512, 512).notes
    assert any("enlarged" in note and "soft" in note for note in notes)


def test_the_recogniser_sees_the_whole_picture(faces, picture):
    wide = picture("portrait_wide.png")

    class Knows:
        find = faces.find

        def identity(self, seen, face):
            assert torch.equal(seen, wide)
            return torch.arange(512.0)

    made = prepare_portrait(wide, Knows(), 256, 256)
    assert torch.equal(made.identity, torch.arange(512.0)) and not any("identity" in note for note in made.notes)


def test_a_face_outside_the_crop_is_an_error(faces, on_ground):
    with pytest.raises(PortraitError, match="lies outside.*Choose the crop 'face'"):
        prepare_portrait(on_ground(300, 1200, 300, 0, 0), faces, 256, 256, crop="centre")


def test_a_bright_picture_is_mapped_twice_only_on_request(faces, portrait):
    bright = portrait * 0.4 + 0.6
    plain = prepare_portrait(bright, faces, 128, 128)
    released = prepare_portrait(bright, faces, 128, 128, as_released_range=True)
    assert plain.pixels.min() > 0
    torch.testing.assert_close(released.pixels, plain.pixels * 2 - 1)
    assert torch.equal(mapped_twice(plain.pixels - 0.5), plain.pixels - 0.5)


def test_sizes_are_multiples_of_64(faces, portrait):
    with pytest.raises(SettingsError, match="multiples of 64"):
        prepare_portrait(portrait, faces, 500, 512)
