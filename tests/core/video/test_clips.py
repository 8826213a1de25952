from fractions import Fraction

import av
import pytest
import torch
from video_on_script import moving_picture

from hallo2_core.errors import VideoError
from hallo2_core.video.clips import ClipEncoder, encode_clip
from hallo2_core.video.settings import CODECS, VideoSettings


@pytest.mark.parametrize("codec", ["h264", "h265", "av1"])
def test_a_clips_bytes_depend_on_the_clip_alone(codec):
    """Not on what was encoded before it, nor on how often: a fresh encoder each time."""
    settings = VideoSettings(codec, preset="veryfast")
    frames = moving_picture(12)
    clip = encode_clip(frames[4:9], 4, Fraction(25), settings)
    encode_clip(frames[:4], 0, Fraction(25), settings)
    assert encode_clip(frames[4:9].clone(), 4, Fraction(25), settings) == clip
    assert encode_clip(frames[3:8], 4, Fraction(25), settings) != clip


class Watched:
    """A container that tells whether it was closed."""

    def __init__(self, container):
        self._container, self.is_closed = container, False

    def __getattr__(self, name):
        return getattr(self._container, name)

    def close(self):
        self.is_closed = True
        self._container.close()


@pytest.mark.parametrize("codec", CODECS)
def test_a_clip_that_is_stopped_is_closed_there_and_then(codec, monkeypatch):
    """Left to the garbage collector, an open encoder ended the whole process with PyAV 14.2."""
    opened, really_open = [], av.open

    def open_watched(*given, **how):
        opened.append(Watched(really_open(*given, **how)))
        return opened[-1]

    monkeypatch.setattr(av, "open", open_watched)
    with pytest.raises(KeyboardInterrupt), ClipEncoder(64, 64, 0, Fraction(25), VideoSettings(codec)) as clip:
        clip.write(torch.rand(3, 64, 64, 3))
        raise KeyboardInterrupt
    with pytest.raises(VideoError), ClipEncoder(63, 64, 0, Fraction(25), VideoSettings(codec)):
        pass
    assert [container.is_closed for container in opened] == [True, True]
