import logging
from fractions import Fraction
from types import SimpleNamespace

import av
import numpy as np
import pytest
import torch

from hallo2_core.video.damage import Damage
from hallo2_core.video.decoding import decoded
from hallo2_core.video.frame_times import FrameTimes
from hallo2_core.video.reader import probe, read_frames
from hallo2_core.video.settings import VideoSettings
from hallo2_core.video.writer import VideoWriter

FRAMES, DAMAGED = 30, 12


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """30 frames that brighten."""
    levels = torch.arange(FRAMES) * 8
    path = tmp_path_factory.mktemp("video") / "clip.mp4"
    with VideoWriter(path, 64, 64, Fraction(25), VideoSettings(quality=4, preset="ultrafast")) as video:
        video.write(levels.to(torch.uint8)[:, None, None, None].expand(-1, 64, 64, 3))
    return path


def spoiled(path, target, spoil, number=DAMAGED):
    """One packet in the middle overwritten in place, as a bad sector does it."""
    with av.open(str(path)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    content, (at, size) = bytearray(path.read_bytes()), packets[number]
    content[at : at + size] = spoil(size, bytes(content[at : at + size]))
    target.write_bytes(content)
    return target


@pytest.mark.parametrize(
    "spoil",
    [
        lambda size, _was: bytes(size),
        lambda size, _was: b"\xff" * size,
        lambda _size, was: b"\xff\xff\xff\xf0" + was[4:],
    ],
    ids=["zeros", "ones", "length"],
)
def test_around_a_damaged_packet_the_frames_keep_their_times_and_the_log_says_where(clip, tmp_path, caplog, spoil):
    times = FrameTimes()
    with caplog.at_level(logging.WARNING, "hallo2"):
        frames = list(read_frames(spoiled(clip, tmp_path / "bad.mp4", spoil), times=times))
    assert FRAMES - 3 <= len(frames) == len(times.ticks)
    assert float(times.end) == pytest.approx(FRAMES / 25)
    levels = np.array([float(frame.float().mean()) for frame in frames])
    expected = np.array([float(times.ticks[number] * times.time_base) for number in range(len(frames))]) * 25 * 8
    assert np.abs(levels - expected).max() < 20
    assert sum("is damaged" in message and "at about 0." in message for message in caplog.messages) <= 1
    assert len(frames) == FRAMES or "bad.mp4 is damaged" in caplog.text


@pytest.fixture(scope="module")
def interlaced(tmp_path_factory):
    """A bar that moves between the two fields of each frame: combs, as a camcorder's 25i."""
    path = tmp_path_factory.mktemp("video") / "25i.mp4"
    with av.open(str(path), "w") as container:
        options = {"x264-params": "interlaced=1:tff=1", "crf": "4"}
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.width = stream.height = 64
        for number in range(8):
            picture = np.zeros((64, 64, 3), dtype=np.uint8)
            picture[0::2, 4 * number : 4 * number + 16] = 255
            picture[1::2, 4 * number + 2 : 4 * number + 18] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def combs(frame):
    """How much neighboring rows differ."""
    return float((frame[1:].float() - frame[:-1].float()).abs().mean())


def test_interlaced_frames_become_whole_ones_at_their_times(interlaced, caplog):
    times = FrameTimes()
    with caplog.at_level(logging.WARNING, "hallo2"):
        frames = list(read_frames(interlaced, times=times))
    assert len(frames) == 8 and caplog.text.count("is interlaced") == 1
    assert [float(tick * times.time_base) for tick in times.ticks] == pytest.approx([n / 25 for n in range(8)])
    with av.open(str(interlaced)) as container:
        stored = [torch.from_numpy(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    assert max(map(combs, frames)) < 0.2 * min(map(combs, stored))
    assert probe(interlaced).frames == 8


def test_a_progressive_video_is_left_alone(clip, caplog):
    assert len(list(read_frames(clip))) == FRAMES and "interlaced" not in caplog.text


def test_frames_that_an_edit_list_hides_are_no_truncation(tmp_path, caplog):
    """Cut between key frames without re-encoding: the first frames are stored, and not shown."""
    with av.open(str(tmp_path / "cut.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"bf": "0"})
        stream.width = stream.height = 64
        for frame in (*(av.VideoFrame(64, 64, "yuv420p") for _ in range(50)), None):
            for packet in stream.encode(frame):
                packet.pts, packet.dts = packet.pts - 30, packet.dts - 30
                container.mux(packet)
    count = sum(1 for _ in read_frames(tmp_path / "cut.mp4"))
    assert count < 50 == probe(tmp_path / "cut.mp4").frames
    assert "truncated" not in caplog.text


@pytest.fixture(scope="module")
def with_b_frames(tmp_path_factory):
    """Frames that brighten, in references two deep: after a damaged packet, decoders give out kept frames too late."""
    path = tmp_path_factory.mktemp("video") / "film.mp4"
    with av.open(str(path), "w") as container:
        options = {"preset": "veryfast", "g": "12", "crf": "20"}
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.width = stream.height = 64
        for number in range(FRAMES):
            picture = np.random.default_rng(number).integers(8 * number, 8 * number + 16, (64, 64, 3), dtype=np.uint8)
            picture[:, number : number + 20] = 255 - 8 * number
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def test_frames_that_come_too_late_are_left_out_and_the_clock_goes_on(with_b_frames, tmp_path, caplog):
    bad, times = spoiled(with_b_frames, tmp_path / "bad.mp4", lambda size, _was: bytes(size), 11), FrameTimes()
    with caplog.at_level(logging.WARNING, "hallo2"):
        frames = list(read_frames(bad, times=times))
    shown = np.array([float(frame[:, :8].float().mean()) for frame in frames])
    seconds = np.array([float(tick * times.time_base) for tick in times.ticks])
    assert len(frames) < FRAMES and "bad.mp4 is damaged at about 0." in caplog.text
    expected = [float(frame[:, :8].float().mean()) for frame in read_frames(with_b_frames)]
    assert np.abs(shown - np.array(expected)[np.rint(seconds * 25).astype(int)]).max() < 20
    assert float(times.end) == pytest.approx(FRAMES / 25)


def test_a_repeated_frame_without_data_is_shown_on(clip, caplog):
    """As Theora and AVI write frames that are equal to the one before."""
    with av.open(str(clip)) as container:
        stream, damage, empty = container.streams.video[0], Damage(), av.Packet(0)
        packets = list(container.demux(stream))
        empty.dts, empty.time_base = packets[5].dts, packets[5].time_base
        stored = SimpleNamespace(demux=lambda _stream: iter([*packets[:5], empty, *packets[5:]]))
        assert len(list(decoded(stored, stream, damage))) == FRAMES and not damage.frames


def test_slides_that_are_reordered_are_not_taken_for_damage(tmp_path, caplog):
    path, times = tmp_path / "slides.mkv", FrameTimes()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(1, 3), options={"preset": "veryfast", "bf": "3"})
        stream.width = stream.height = 64
        for number in range(8):
            picture = np.full((64, 64, 3), 20 * number, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    with caplog.at_level(logging.WARNING, "hallo2"):
        assert len(list(read_frames(path, times=times))) == 8 and not caplog.messages
    assert float(times.end) == pytest.approx(24)
