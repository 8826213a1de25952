from fractions import Fraction

import pytest
import torch

from hallo2_core.video.settings import VideoSettings
from hallo2_core.video.writer import VideoWriter


@pytest.fixture
def write_video(tmp_path):
    """A function that writes frames (f h w 3) in 0..255 to a video with this name; returns its path."""

    def write(name, frames, fps=25, audio=None):
        frames = torch.as_tensor(frames).float() / 255
        height, width = frames.shape[1:3]
        settings = VideoSettings(quality=2)
        with VideoWriter(tmp_path / name, width, height, Fraction(fps), settings, audio) as writer:
            writer.write(frames)
        return writer.path

    return write
