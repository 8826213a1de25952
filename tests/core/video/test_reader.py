import gc
import io
import logging
from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from av.stream import Disposition

from hallo2_core.errors import VideoError
from hallo2_core.video.orientation import Orientation
from hallo2_core.video.reader import probe, read_frames
from hallo2_core.video.settings import VideoSettings
from hallo2_core.video.writer import VideoWriter


@pytest.fixture
def clip(tmp_path):
    """Eight frames of 48x32, each of one grey level."""
    levels = torch.arange(8) * 30
    frames = levels.to(torch.uint8)[:, None, None, None].expand(-1, 32, 48, 3)
    with VideoWriter(tmp_path / "clip.mp4", 48, 32, Fraction(25), VideoSettings(quality=1)) as writer:
        writer.write(frames)
    return writer.path


def test_reads_lazily_and_in_order(clip):
    frames = read_frames(clip)
    first = next(frames)
    assert first.shape == (32, 48, 3) and first.dtype == torch.uint8
    levels = [int(first.float().mean().round()), *(int(frame.float().mean().round()) for frame in frames)]
    assert np.abs(np.array(levels) - np.arange(8) * 30).max() <= 1


@pytest.fixture
def pictures_in_memory():
    """Counts decoded pictures; none of them is freed by the garbage collector meanwhile."""
    gc.collect()
    gc.disable()
    yield lambda: sum(type(one) is av.VideoFrame for one in gc.get_objects())
    gc.enable()


def test_pictures_are_freed_once_they_are_read(clip, pictures_in_memory):
    before = pictures_in_memory()
    assert sum(1 for _ in read_frames(clip)) == 8
    assert pictures_in_memory() == before


def test_reads_open_files_from_their_start_and_leaves_them_open(clip):
    file = io.BytesIO(clip.read_bytes())
    file.read(100)
    for _ in range(2):
        assert sum(1 for _ in read_frames(file)) == 8
    assert probe(file).frames == 8 and not file.closed


def test_probe(clip):
    info = probe(clip)
    assert (info.width, info.height, info.fps, info.frames, info.orientation) == (
        48,
        32,
        Fraction(25),
        8,
        Orientation(),
    )
    assert info.seconds == pytest.approx(8 / 25) and info.codec == "h264" and not info.has_audio


def encoded(path, pixel_format, planes, colorspace=2, color_range=0, codec="ffv1", container="matroska"):
    """A lossless file of one frame, in any pixel format and with any tags."""
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=25)
        stream.height, stream.width = planes[0].shape
        stream.pix_fmt = pixel_format
        stream.codec_context.colorspace, stream.codec_context.color_range = colorspace, color_range
        frame = av.VideoFrame(stream.width, stream.height, pixel_format)
        for plane, numbers in zip(frame.planes, planes, strict=True):
            rows = np.frombuffer(plane, numbers.dtype).reshape(plane.height, -1)
            rows[:, : numbers.shape[1]] = numbers
        frame.pts = 0
        for picture in (frame, None):
            for packet in stream.encode(picture):
                output.mux(packet)
    return path


@pytest.mark.parametrize(
    ("matrix", "red", "blue", "height"),
    [
        (1, 0.2126, 0.0722, 64),
        (6, 0.299, 0.114, 64),
        (2, 0.299, 0.114, 64),
        (2, 0.2126, 0.0722, 720),
        (9, 0.2627, 0.0593, 64),
    ],
    ids=["BT.709", "BT.601", "untagged small", "untagged HD", "BT.2020"],
)
@pytest.mark.parametrize("is_full", [False, True], ids=["limited", "full"])
def test_each_files_own_colours(tmp_path, matrix, red, blue, height, is_full):
    rgb = np.array([200, 60, 20]) / 255
    luma = red * rgb[0] + blue * rgb[2] + (1 - red - blue) * rgb[1]
    chroma = [(rgb[2] - luma) / (2 - 2 * blue), (rgb[0] - luma) / (2 - 2 * red)]
    black, luma_levels, chroma_levels = (0, 255, 255) if is_full else (16, 219, 224)
    levels = [black + luma_levels * luma, *(128 + chroma_levels * c for c in chroma)]
    planes = [np.full((height, 64), round(level), dtype=np.uint8) for level in levels]
    path = encoded(tmp_path / "a.mkv", "yuv444p", planes, matrix, 2 if is_full else 1)
    (frame,) = read_frames(path)
    assert np.abs(frame.numpy().astype(int) - [200, 60, 20]).max() <= 2


def test_deep_colour_is_rounded(tmp_path):
    planes = [np.full((64, 64), value, dtype=np.uint16) for value in (64 + 438, 512, 512)]
    (frame,) = read_frames(encoded(tmp_path / "a.mkv", "yuv444p10le", planes, 1, 1))
    assert frame.unique().tolist() == [128]


@pytest.mark.parametrize("content", [b"", b"not a video at all" * 50, bytes(10_000)], ids=["empty", "text", "zeros"])
def test_what_is_no_video(tmp_path, content):
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    for call in (probe, lambda source: list(read_frames(source))):
        with pytest.raises(VideoError, match="a.mp4 .*(cannot be read as a video|no pictures|is empty)") as caught:
            call(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(VideoError, match="The video (cannot be read|holds no)"):
        probe(io.BytesIO(content))


def test_sound_alone_is_no_video():
    from pathlib import Path

    with pytest.raises(VideoError, match="silence.wav holds no pictures"):
        probe(Path(__file__).parents[2] / "media" / "silence.wav")


def with_streams(path, *kinds):
    """A file of one blue picture, a red cover, or a sound, in the order given."""
    with av.open(str(path), "w") as container:
        streams = []
        for kind in kinds:
            if kind == "sound":
                stream = container.add_stream("aac", rate=48000, layout="mono")
                frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
                frame.sample_rate = 48000
            else:
                stream = container.add_stream("png" if kind == "cover" else "libx264", rate=25)
                stream.width = stream.height = 64
                stream.pix_fmt = "rgb24" if kind == "cover" else "yuv420p"
                colour = (255, 0, 0) if kind == "cover" else (0, 0, 255)
                frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), colour, np.uint8), format="rgb24")
                if kind == "cover":
                    stream.disposition = Disposition.attached_pic.value
            streams.append((stream, frame))
        for stream, frame in streams:
            frame.pts, frame.time_base = 0, Fraction(1, 25)
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                container.mux(packet)
    return path


@pytest.mark.parametrize("kinds", [("cover", "video", "sound"), ("video", "cover")], ids=str)
def test_a_cover_is_not_the_video(tmp_path, kinds):
    (frame,) = read_frames(with_streams(tmp_path / "a.mp4", *kinds))
    assert frame[32, 32, 2] > 200 and frame[32, 32, 0] < 50


def test_a_song_with_a_cover_is_no_video(tmp_path):
    with pytest.raises(VideoError, match="a.mp4 holds no pictures"):
        probe(with_streams(tmp_path / "a.mp4", "cover", "sound"))


def test_pixels_that_are_no_squares_become_squares(tmp_path):
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 90, 64, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(64, 45)
        frame = av.VideoFrame.from_ndarray(np.full((64, 90, 3), 128, np.uint8), format="rgb24")
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    info = probe(tmp_path / "a.mkv")
    (shown,) = read_frames(tmp_path / "a.mkv")
    assert (info.width, info.height) == (128, 64) and shown.shape == (64, 128, 3)


def test_missing_file(tmp_path):
    with pytest.raises(VideoError, match="There is no video .*a.mp4"):
        probe(tmp_path / "a.mp4")


def test_a_cut_off_file_gives_its_frames_and_says_so(tmp_path, clip, caplog):
    content = clip.read_bytes()
    clip.write_bytes(content[: len(content) - (len(content) - content.index(b"mdat")) // 2])
    with caplog.at_level(logging.WARNING, "hallo2"):
        try:
            count = sum(1 for _ in read_frames(clip))
        except VideoError as error:
            assert "clip.mp4" in str(error)
        else:
            assert count < 8 and "of 8 frames: it is truncated" in caplog.text


def test_an_avi_whose_last_frame_is_shown_on_is_whole_and_a_part_of_it_is_not(tmp_path, caplog):
    """Recorders write an empty chunk where the picture does not change."""
    with av.open(str(tmp_path / "whole.avi"), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"tune": "zerolatency"})
        stream.width, stream.height = 48, 32
        for level in range(10):
            picture = np.full((32, 48, 3), 20 * level, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        for number in range(10, 15):
            empty = av.Packet(b"")
            empty.stream, empty.pts, empty.dts, empty.time_base = stream, number, number, Fraction(1, 25)
            container.mux(empty)
    content = (tmp_path / "whole.avi").read_bytes()
    assert len(list(read_frames(tmp_path / "whole.avi"))) == 10 and not caplog.messages
    (tmp_path / "cut.avi").write_bytes(content[: content.rindex(b"idx1") - 20])
    list(read_frames(tmp_path / "cut.avi"))
    assert "cut.avi ends after" in caplog.text


def test_a_cut_off_matroska_file_says_so_and_a_whole_one_does_not(tmp_path, clip, caplog):
    whole = tmp_path / "whole.mkv"
    with av.open(str(clip)) as source, av.open(str(whole), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    with av.open(str(whole)) as container:
        fifth = [packet.pos for packet in container.demux(video=0)][4]
    (tmp_path / "cut.mkv").write_bytes(whole.read_bytes()[:fifth])
    with caplog.at_level(logging.WARNING, "hallo2"):
        assert len(list(read_frames(whole))) == 8 and not caplog.messages
        seen = len(list(read_frames(tmp_path / "cut.mkv")))
    assert seen < 8 and f"cut.mkv ends after {seen} frames: it is truncated." in caplog.messages
