import builtins
import errno
import os
from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from PIL import Image

from hallo2_core.errors import VideoError
from hallo2_core.video.container import opened, opened_video
from hallo2_core.video.reader import probe
from hallo2_core.video.settings import VideoSettings
from hallo2_core.video.source_fingerprint import source_fingerprint
from hallo2_core.video.writer import VideoWriter


@pytest.fixture(scope="module")
def wide_h265(tmp_path_factory):
    """Tall enough that many threads share a picture."""
    path = tmp_path_factory.mktemp("h265") / "wide.mp4"
    settings = VideoSettings("h265", quality=40, preset="ultrafast")
    with VideoWriter(path, 4096, 4096, Fraction(25), settings) as writer:
        writer.write(torch.full((1, 4096, 4096, 3), 128, dtype=torch.uint8))
    return path


def test_h265_is_opened_again_and_again(wide_h265):
    """With PyAV 14.2 about one in ten never came back."""
    assert {probe(wide_h265).codec for _ in range(30)} == {"hevc"}


@pytest.mark.parametrize(("libavcodec", "threads"), [((61, 19, 100), "FRAME"), ((61, 19, 101), "SLICE")])
def test_threads_share_a_picture_only_where_that_does_not_hang(wide_h265, monkeypatch, libavcodec, threads):
    monkeypatch.setitem(av.library_versions, "libavcodec", libavcodec)
    with opened_video(wide_h265) as (_, stream):
        assert stream.thread_type.name == threads


def test_an_animated_webp_is_named(tmp_path):
    frames = [Image.fromarray(np.full((32, 48, 3), level, dtype=np.uint8)) for level in (0, 90, 180)]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], duration=100)
    with pytest.raises(VideoError, match="a.webp is an animated WebP.*Convert it to MP4 or GIF"):
        probe(tmp_path / "a.webp")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<!DOCTYPE html><html></html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 48\n", "is a git-lfs pointer"),
    ],
)
def test_a_file_that_is_no_video_is_named(tmp_path, content, said):
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(VideoError, match=f"a.mp4 {said}"):
        probe(tmp_path / "a.mp4")


def test_a_video_that_the_disk_does_not_give_is_not_called_missing_or_damaged(tmp_path, monkeypatch):
    def unreachable(*_arguments, **_named):
        raise OSError(errno.ESTALE, "Stale file handle")

    (tmp_path / "a.mp4").write_bytes(b"x")
    expected = "a.mp4 cannot be read as a video: Stale file handle. Check that the folder is still there"
    with monkeypatch.context() as patch, pytest.raises(VideoError, match=expected):
        patch.setattr(os, "stat", unreachable)
        opened(tmp_path / "a.mp4").__enter__()
    with monkeypatch.context() as patch, pytest.raises(VideoError, match=expected):
        patch.setattr(builtins, "open", unreachable)
        source_fingerprint(tmp_path / "a.mp4")
