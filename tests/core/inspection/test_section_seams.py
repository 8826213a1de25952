"""How much the picture jumps at given frames."""

from fractions import Fraction

import pytest
import torch

from hallo2_core.inspection.section_seams import measure_seams
from hallo2_core.video.settings import VideoSettings
from hallo2_core.video.writer import VideoWriter


@pytest.fixture
def video(tmp_path):
    """One level brighter in every frame, and 40 more from frame 30 on."""
    levels = torch.tensor([60 + number + 40 * (number >= 30) for number in range(50)], dtype=torch.uint8)
    frames = levels[:, None, None, None].expand(50, 64, 64, 3)
    with VideoWriter(tmp_path / "a.mp4", 64, 64, Fraction(25), VideoSettings(quality=0)) as writer:
        writer.write(frames)
    return tmp_path / "a.mp4"


def test_a_jump_is_measured_against_the_frames_around(video):
    jump, none, edge = measure_seams(video, [30, 20, 2], Fraction(25))
    assert jump.change == pytest.approx(41, abs=1.5) and jump.usual == pytest.approx(1, abs=0.3) and jump.jump > 20
    assert none.jump == pytest.approx(1, abs=0.5) and edge.jump == pytest.approx(1, abs=0.5)
