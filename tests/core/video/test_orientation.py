"""Display matrices as phones write them, in the header of a real file."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from hallo2_core.errors import VideoError
from hallo2_core.video.orientation import orientation_from
from hallo2_core.video.reader import probe, read_frames
from hallo2_core.video.settings import VideoSettings
from hallo2_core.video.writer import VideoWriter

ONE = 1 << 16
# a, b, c, d of the matrix → the stored picture as players show it
SHOWN = {
    (1, 0, 0, 1): lambda picture: picture,
    (-1, 0, 0, 1): lambda picture: picture[:, ::-1],
    (1, 0, 0, -1): lambda picture: picture[::-1],
    (-1, 0, 0, -1): lambda picture: picture[::-1, ::-1],
    (0, 1, -1, 0): lambda picture: np.rot90(picture, -1),  # a quarter clockwise
    (0, -1, 1, 0): np.rot90,
    (0, 1, 1, 0): lambda picture: picture.transpose(1, 0, 2),
    (0, -1, -1, 0): lambda picture: np.rot90(picture, 2).transpose(1, 0, 2),
}


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """One frame with four quarters of different greys, 64x32."""
    frame = torch.zeros(1, 32, 64, 3)
    frame[:, :16, :32], frame[:, :16, 32:], frame[:, 16:, :32] = 0.25, 0.5, 0.75
    path = tmp_path_factory.mktemp("video") / "stored.mp4"
    with VideoWriter(path, 64, 32, Fraction(25), VideoSettings(quality=1)) as video:
        video.write(frame)
    return path


def with_matrix(path, target, a, b, c, d):
    content = path.read_bytes()
    upright = np.array([ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30], dtype=">i4").tobytes()
    at = content.index(upright, content.index(b"tkhd"))
    matrix = np.array([a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 0, 0, 1 << 30]).astype(">i4").tobytes()
    target.write_bytes(content[:at] + matrix + content[at + len(upright) :])
    return target


@pytest.mark.parametrize("matrix", SHOWN, ids=str)
def test_the_eight_right_angled_matrices_are_shown_as_players_do(stored, tmp_path, matrix):
    (as_stored,) = read_frames(stored)
    path = with_matrix(stored, tmp_path / "a.mp4", *matrix)
    (seen,) = read_frames(path)
    expected = SHOWN[matrix](as_stored.numpy())
    assert np.array_equal(seen.numpy(), expected)
    assert (probe(path).height, probe(path).width) == expected.shape[:2]


def test_another_angle_is_refused_by_name(stored, tmp_path):
    path = with_matrix(stored, tmp_path / "tilted.mp4", 0.7071, 0.7071, -0.7071, 0.7071)
    with pytest.raises(VideoError, match="tilted.mp4 is to be displayed tilted by -?45"):
        probe(path)


def test_a_matrix_of_another_size_is_damage():
    with pytest.raises(VideoError, match="has 35 bytes"):
        orientation_from(bytes(35), "a.mp4", 0.0)


def test_an_empty_matrix_is_ignored_as_players_do(stored, tmp_path):
    path = with_matrix(stored, tmp_path / "empty.mp4", 0, 0, 0, 0)
    assert np.array_equal(*(next(read_frames(each)).numpy() for each in (path, stored)))
