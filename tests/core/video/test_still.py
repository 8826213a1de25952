from fractions import Fraction

import pytest
import torch

from hallo2_core.errors import VideoError
from hallo2_core.video.clips import encode_clip
from hallo2_core.video.settings import VideoSettings
from hallo2_core.video.still import contact_pictures, first_picture
from hallo2_core.video.writer import VideoWriter

FRAMES = torch.stack([torch.full((32, 64, 3), value) for value in (0.8, 0.2, 0.2, 0.2)])


@pytest.mark.parametrize("codec", ["h264", "av1"])
def test_the_first_frame_of_clips_that_are_being_made(tmp_path, codec):
    path = tmp_path / "clips-0000.ts"
    path.write_bytes(encode_clip(FRAMES, 0, Fraction(25), VideoSettings(codec, preset="ultrafast")))
    check(first_picture(path, 128))


def test_the_first_frame_of_a_video(tmp_path):
    with VideoWriter(tmp_path / "a.mp4", 64, 32, Fraction(25), VideoSettings(preset="ultrafast")) as video:
        video.write(FRAMES)
    check(first_picture(tmp_path / "a.mp4", 32))


def check(picture):
    assert picture.width == picture.height
    middle, above = picture.getpixel((picture.width // 2, picture.height // 2)), picture.getpixel((1, 1))
    assert all(abs(value - 204) < 8 for value in middle) and above == (0, 0, 0)


@pytest.mark.parametrize("name", ["a.mp4", "clips-0000.ts"])
def test_what_holds_no_picture(tmp_path, name):
    (tmp_path / name).write_bytes(b"nothing")
    with pytest.raises(VideoError):
        first_picture(tmp_path / name, 32)
    pictures = contact_pictures([tmp_path / name, None], 32)
    assert [picture.getbbox() for picture in pictures] == [None, None] and len(contact_pictures([], 32)) == 1
