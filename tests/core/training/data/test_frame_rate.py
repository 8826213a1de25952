from fractions import Fraction

import pytest
import torch

from hallo2_core.training.data.frame_rate import Position, frames_at_rate
from hallo2_core.video.settings import VideoSettings
from hallo2_core.video.writer import VideoWriter

FPS = Fraction(25)


def video_of(tmp_path, fps, frames):
    """Each frame has a gray level of its own."""
    levels = (torch.arange(frames) * (240 // frames)).to(torch.uint8)
    with VideoWriter(tmp_path / "video.mp4", 32, 32, Fraction(fps), VideoSettings(quality=1)) as writer:
        writer.write(levels[:, None, None, None].expand(-1, 32, 32, 3))
    return writer.path


@pytest.mark.parametrize(
    ("fps", "frames"), [("25", 20), ("30", 24), ("24", 24), ("50", 40), ("30000/1001", 30), ("10", 8)]
)
def test_each_frame_is_the_one_seen_in_its_middle(tmp_path, fps, frames):
    rate = Fraction(fps)
    found = list(frames_at_rate(video_of(tmp_path, fps, frames), FPS))
    expected = []
    while (Fraction(len(expected)) + Fraction(1, 2)) / FPS < frames / rate:
        expected.append(int((len(expected) + Fraction(1, 2)) / FPS * rate))
    assert [number for number, _ in found] == expected
    levels = torch.stack([picture.float().mean() for _, picture in found])
    assert (levels - torch.tensor(expected) * (240 // frames)).abs().max() < 3


def test_reading_goes_on_where_it_stopped(tmp_path):
    video = video_of(tmp_path, "30", 24)
    whole = list(frames_at_rate(video, FPS))
    for stopped in (1, 7, 19):
        start = Position(stopped, whole[stopped - 1][0])
        rest = list(frames_at_rate(video, FPS, start))
        assert [number for number, _ in rest] == [number for number, _ in whole[stopped:]]
        assert all(torch.equal(a, b) for (_, a), (_, b) in zip(rest, whole[stopped:], strict=True))
