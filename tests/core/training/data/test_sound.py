from fractions import Fraction

import av
import pytest
import torch
from video_on_script import speech_like

from hallo2_core.audio.waveform import TensorAudio
from hallo2_core.training.data.skipped import (
    DAMAGED,
    NO_SOUND,
    OTHER_LENGTH,
    SOUND_STARTS_LATE,
    TOO_SHORT,
    Unusable,
)
from hallo2_core.training.data.sound import checked_sound
from hallo2_core.training.data.source_videos import SourceVideo
from hallo2_core.video.settings import VideoSettings
from hallo2_core.video.writer import VideoWriter

FPS = Fraction(25)


@pytest.fixture
def video(tmp_path):
    """Two seconds."""
    audio = TensorAudio(speech_like(16_000, 2.0).waveform, 16_000)
    with VideoWriter(tmp_path / "video.mp4", 64, 64, FPS, VideoSettings(), audio) as writer:
        writer.write(torch.rand(50, 64, 64, 3, generator=torch.Generator().manual_seed(0)))
    return writer.path


def source(video, sound=None):
    return SourceVideo("key", video.name, video, sound or video, "")


def remuxed(video, sound_later_seconds=0.0, sound_until_seconds=9.0):
    """The same packets in Matroska, with the sound moved and cut."""
    path = video.with_suffix(".mkv")
    with av.open(str(video)) as read, av.open(str(path), "w") as written:
        streams = {stream.index: written.add_stream_from_template(stream) for stream in read.streams}
        packets = [packet for packet in read.demux() if packet.dts is not None]
        for packet in packets:
            is_sound = packet.stream.type == "audio"
            if is_sound and packet.pts * packet.time_base > sound_until_seconds:
                continue
            if is_sound:
                packet.pts += round(sound_later_seconds / packet.time_base)
                packet.dts = packet.pts
            packet.stream = streams[packet.stream.index]
            written.mux(packet)
    return path


def reason(video, sound=None, fewest=25):
    with pytest.raises(Unusable) as error:
        checked_sound(source(video, sound), fewest, FPS)
    return error.value.reason


def test_a_sound_that_fits_is_taken(video):
    sound, info = checked_sound(source(video), 25, FPS)
    assert sound.rate_hz == 16_000 and info.seconds == pytest.approx(2.0)


def test_what_does_not_fit_is_named(video, tmp_path):
    assert reason(video, fewest=51) is TOO_SHORT
    assert reason(video, tmp_path / "none.wav") is NO_SOUND
    assert reason(tmp_path / "none.mp4") is DAMAGED
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    assert reason(video, tmp_path / "bad.wav") is DAMAGED


def test_sound_and_picture_start_and_end_together(video):
    checked_sound(source(remuxed(video)), 25, FPS)
    assert reason(remuxed(video, sound_later_seconds=0.3)) is SOUND_STARTS_LATE
    assert reason(remuxed(video, sound_until_seconds=1.2)) is OTHER_LENGTH
