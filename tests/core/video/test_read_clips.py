"""Finished clips, read while more are appended: the frames of the finished video."""

from fractions import Fraction

import pytest
import torch

from hallo2_core.errors import VideoError
from hallo2_core.runtime import LocalRuntime
from hallo2_core.video.clips import encode_clip
from hallo2_core.video.join import join_clips
from hallo2_core.video.read_clips import read_clips
from hallo2_core.video.reader import read_frames
from hallo2_core.video.settings import VideoSettings
from hallo2_core.video.target import TargetFile

FPS = Fraction(25)


@pytest.fixture(params=["h264", "h265", "av1"])
def clips(request, tmp_path):
    """(their file, the size of the first two, the whole video)."""
    generator = torch.Generator().manual_seed(0)
    settings = VideoSettings(request.param, preset="ultrafast")
    path, sizes = tmp_path / "clips.ts", []
    with path.open("wb") as file:
        for first, frames in ((0, 16), (16, 16), (32, 5)):
            pictures = torch.rand(frames, 64, 64, 3, generator=generator)
            file.write(encode_clip(pictures, first, FPS, settings))
            sizes.append(file.tell())
    with TargetFile(tmp_path / "whole.mp4") as target:
        join_clips({path: 37}, target, FPS, None, LocalRuntime().check_cancelled)
        target.settle()
        target.publish()
    return path, sizes[1], list(read_frames(tmp_path / "whole.mp4"))


def test_frames_are_those_of_the_finished_video(clips):
    path, size_bytes, whole = clips
    for start in (0, 5, 16, 31):
        found = list(read_clips(path, size_bytes, 32, start))
        assert len(found) == 32 - start and all(map(torch.equal, found, whole[start:32]))


def test_what_is_being_written_does_not_count(clips):
    path, size_bytes, whole = clips
    with path.open("r+b") as file:
        file.truncate(size_bytes + 300)
    found = list(read_clips(path, size_bytes, 32))
    assert len(found) == 32 and torch.equal(found[-1], whole[31])


def test_missing_frames_are_an_error(clips):
    path, size_bytes, _ = clips
    with pytest.raises(VideoError, match="32 of its 33 frames"):
        list(read_clips(path, size_bytes, 33))
