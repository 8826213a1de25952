import io
from fractions import Fraction

import pytest
import torch

from hallo2_core.video.stored_sizes import stored_sizes
from hallo2_core.video.writer import VideoWriter


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.mp4"
    with VideoWriter(path, 64, 48, Fraction(25)) as writer:
        writer.write(torch.zeros(2, 48, 64, 3))
    return path


def test_a_path_and_an_open_file_have_the_size_that_is_stored(clip):
    assert stored_sizes(clip) == stored_sizes(str(clip)) == {(64, 48)}
    file = io.BytesIO(clip.read_bytes())
    file.seek(100)
    assert stored_sizes(file) == {(64, 48)}


def test_what_is_no_video_has_none_and_is_left_to_whoever_reads_it(tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    assert stored_sizes(tmp_path / "text.mp4") == stored_sizes(tmp_path / "missing.mp4") == set()
