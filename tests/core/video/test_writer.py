import errno
import logging
import os
import subprocess
import sys
from fractions import Fraction
from math import ceil

import av
import numpy as np
import pytest
import torch
from video_on_script import Sound, decoded_sound, lag_samples, moving_picture, speech_like

from hallo2_core.errors import SettingsError, VideoError
from hallo2_core.video.colour import to_yuv420
from hallo2_core.video.encoder_options import av1_quality
from hallo2_core.video.reader import probe, read_frames
from hallo2_core.video.settings import CODECS, VideoSettings
from hallo2_core.video.sound import aac_rate
from hallo2_core.video.stored_sizes import stored_sizes
from hallo2_core.video.target import TargetFile, check_target
from hallo2_core.video.writer import VideoWriter

FAST = VideoSettings(preset="ultrafast")


def resampled(wave, count):
    """By Fourier transform: the reference for rates that AAC lacks."""
    spectrum = np.fft.rfft(wave)[: count // 2 + 1]
    padded = np.zeros(count // 2 + 1, dtype=complex)
    padded[: len(spectrum)] = spectrum
    return np.fft.irfft(padded, count) * count / len(wave)


def write(path, frames, fps=Fraction(25), settings=FAST, audio=None):
    with VideoWriter(path, frames.shape[2], frames.shape[1], fps, settings, audio) as writer:
        for part in frames.split(7):
            writer.write(part)
    return path


@pytest.mark.parametrize("codec", ["h264", "h265", "av1"])
@pytest.mark.parametrize("bit_depth", [8, 10])
@pytest.mark.parametrize("quality", [0, 8])
def test_colours_survive_and_are_tagged(tmp_path, codec, bit_depth, quality):
    """64 flat patches with the corners of the cube among them; the first pixels beside an edge hold mixed chroma."""
    colours = torch.randint(0, 256, (8, 8, 3), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    colours.view(-1, 3)[:5] = torch.tensor([[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]])
    patches = colours.repeat_interleave(16, 0).repeat_interleave(16, 1)
    given = patches if bit_depth == 10 else (patches + 0.25) / 255  # truncation takes the float back to the very byte
    frames = given.expand(3, -1, -1, -1)
    path = write(tmp_path / "a.mp4", frames, settings=VideoSettings(codec, bit_depth, quality))
    for frame in read_frames(path):
        error = (frame.int() - patches.int()).abs()[5::16, 5::16]
        assert error.max() <= 2
        if bit_depth == 10 and quality == 0:
            assert error.max() == 0
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        tags = (context.colorspace, context.color_primaries, context.color_trc, context.color_range)
        assert [int(tag) for tag in tags] == [1, 1, 1, 1]
        assert context.codec_tag == {"h264": "avc1", "h265": "hvc1", "av1": "av01"}[codec]
        assert context.pix_fmt == {8: "yuv420p", 10: "yuv420p10le"}[bit_depth]


def test_lossless_keeps_every_number(tmp_path):
    frames = torch.randint(0, 256, (2, 64, 96, 3), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    for codec in ("h264", "h265", "av1"):
        for bit_depth in (8, 10):
            path = write(tmp_path / f"{codec}{bit_depth}.mp4", frames, settings=VideoSettings(codec, bit_depth, 0))
            with av.open(str(path)) as container:
                for frame, picture in zip(frames, container.decode(video=0), strict=True):
                    for plane, expected in zip(picture.planes, to_yuv420(frame, bit_depth), strict=True):
                        rows = np.frombuffer(plane, np.uint8 if bit_depth == 8 else np.uint16).reshape(plane.height, -1)
                        assert np.array_equal(rows[:, : plane.width], expected.numpy())


@pytest.mark.parametrize("fps", [Fraction(24), Fraction(25), Fraction(30), Fraction(30000, 1001), Fraction(25, 2)])
@pytest.mark.parametrize("count", [1, 2, 3, 16, 53])
@pytest.mark.parametrize("codec", ["h264", "h265", "av1"])
def test_every_frame_is_there_at_its_exact_time(tmp_path, fps, count, codec):
    path = write(tmp_path / "a.mp4", moving_picture(count), fps, VideoSettings(codec, preset="superfast"))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        times = [frame.pts * stream.time_base for frame in container.decode(stream)]
        assert times == [number / fps for number in range(count)]
        assert stream.duration * stream.time_base == count / fps
        assert stream.average_rate == fps
    info = probe(path)
    assert (info.frames, info.fps, info.width, info.height) == (count, fps, 64, 64)


@pytest.mark.parametrize(
    ("rate_hz", "channels"),
    [(rate, 1) for rate in (8000, 16000, 22050, 37800, 44100, 48000, 96000, 192000, 5000)]
    + [(44100, 2), (48000, 2), (192000, 2)]
    + [(48000, channels) for channels in (3, 4, 5, 6, 7, 8)],
)
def test_sound_is_whole_and_in_its_place(tmp_path, rate_hz, channels, caplog):
    sound = speech_like(rate_hz, 2.345, channels)
    fps = Fraction(25)
    frames = ceil(Fraction(sound.samples, rate_hz) * fps)
    with caplog.at_level(logging.INFO, "hallo2"):
        path = write(tmp_path / "a.mp4", moving_picture(frames), fps, audio=sound)
    heard, heard_rate = decoded_sound(path)
    count = ceil(sound.samples * heard_rate / rate_hz)
    assert heard_rate == aac_rate(rate_hz) and len(heard) == channels and heard.shape[1] >= count
    assert ("is resampled" in caplog.text) == (heard_rate != rate_hz)
    with av.open(str(path)) as container:
        assert container.streams.video[0].frames == frames
        stream = container.streams.audio[0]
        assert stream.duration * stream.time_base == Fraction(count, heard_rate) and not stream.start_time
    for number, (given, got) in enumerate(zip(sound.waveform.numpy(), heard, strict=True)):
        if (channels, number) in ((6, 3), (7, 3), (8, 3)) and channels != 7:
            continue  # the low-frequency effects channel carries nothing above 120 Hz
        reference = given if heard_rate == rate_hz else resampled(given, count)
        assert abs(lag_samples(reference, got)) / heard_rate <= 0.001
        assert np.corrcoef(reference, got[:count])[0, 1] >= 0.99


@pytest.mark.parametrize("samples", [1, 100, 1025])
@pytest.mark.parametrize("rate_hz", [5000, 44100])
def test_the_shortest_sounds(tmp_path, samples, rate_hz):
    sound = Sound(torch.full((1, samples), 0.5), rate_hz)
    path = write(tmp_path / "a.mp4", moving_picture(1), audio=sound)
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        assert stream.duration * stream.time_base == Fraction(ceil(samples * stream.rate / rate_hz), stream.rate)
    assert probe(path).frames == 1


def test_sound_longer_than_the_frames_is_written_whole(tmp_path):
    path = write(tmp_path / "a.mp4", moving_picture(5), audio=speech_like(16000, 3.0))
    heard, rate = decoded_sound(path)
    assert heard.shape[1] >= 3 * rate


def test_sound_is_written_along_with_the_frames(tmp_path):
    """Not held back to the end: what lies in the file beside a second of frames is that second of sound."""
    path = write(tmp_path / "a.mp4", moving_picture(100), audio=speech_like(16000, 4.0))
    with av.open(str(path)) as container:
        positions = {"video": [], "audio": []}
        for packet in container.demux():
            if packet.pts is not None:
                positions[packet.stream.type].append((float(packet.pts * packet.time_base), packet.pos))
    for seconds, position in positions["audio"]:
        frames_before = [time for time, other in positions["video"] if other < position]
        assert max(frames_before, default=0.0) <= seconds + 1.5


def test_too_many_channels(tmp_path):
    with pytest.raises(VideoError, match="has 9 channels; AAC holds 1 to 8"):
        VideoWriter(tmp_path / "a.mp4", 64, 64, Fraction(25), FAST, Sound(torch.zeros(9, 10), 48000))
    assert not list(tmp_path.iterdir())


def test_frames_and_sound_give_the_same_bytes_in_any_portions(tmp_path):
    frames, sound = moving_picture(30), speech_like(44100, 1.2)
    for portion in (1, 7, 30):
        with VideoWriter(tmp_path / f"{portion}.mp4", 64, 64, Fraction(25), FAST, sound) as writer:
            for part in frames.split(portion):
                writer.write(part)
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


@pytest.mark.parametrize("codec", ["h264", "h265", "av1"])
def test_groups_of_pictures_are_closed_and_two_seconds_at_most(tmp_path, codec):
    path = write(tmp_path / "a.mp4", moving_picture(120, 128, 128), settings=VideoSettings(codec))
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.pts is not None]
        frame = packets[0].duration
    keys = [number for number, packet in enumerate(packets) if packet.is_keyframe]
    assert keys[0] == 0 and max(np.diff([*keys, 120])) <= 50
    for start, stop in zip(keys, [*keys[1:], len(packets)], strict=True):
        group = packets[start:stop]
        assert sorted(packet.pts // frame for packet in group) == list(range(start, stop))
        assert all(packet.dts <= packet.pts for packet in group)


def test_the_same_frames_give_the_same_bytes(tmp_path):
    """Also where a fresh process finds other values in its memory, which x264 and x265 read at these sizes."""
    script = """
import hashlib, sys, torch
from fractions import Fraction
from pathlib import Path
from hallo2_core.video.settings import VideoSettings
from hallo2_core.video.writer import VideoWriter
for codec in ("h264", "h265", "av1"):
    for width, height in ((64, 64), (96, 64), (192, 64)):
        frames = torch.rand(12, height, width, 3, generator=torch.Generator().manual_seed(0)).cumsum(0) / 12
        path = Path(sys.argv[1]) / f"{codec}{width}.mp4"
        with VideoWriter(path, width, height, Fraction(25), VideoSettings(codec)) as writer:
            writer.write(frames)
        print(hashlib.sha256(path.read_bytes()).hexdigest())
"""
    seen = set()
    for fill in ("0", "85"):
        (tmp_path / fill).mkdir()
        run = [sys.executable, "-c", script, str(tmp_path / fill)]
        environment = os.environ | {"MALLOC_PERTURB_": fill}
        seen.add(subprocess.run(run, env=environment, capture_output=True, check=True).stdout)
    assert len(seen) == 1 and len(seen.pop().split()) == 9


def test_the_file_plays_while_it_loads(tmp_path):
    content = write(tmp_path / "a.mp4", moving_picture(3)).read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_the_file_appears_only_when_it_is_whole(tmp_path):
    target = tmp_path / "new" / "a.mp4"
    with VideoWriter(target, 64, 64, Fraction(25), FAST) as writer:
        writer.write(moving_picture(3))
        assert not target.exists() and len(list(target.parent.iterdir())) == 1
    assert [path.name for path in target.parent.iterdir()] == ["a.mp4"] and writer.frames == 3


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt()], ids=repr)
def test_an_exception_leaves_no_trace_and_passes(tmp_path, error):
    with pytest.raises(type(error)), VideoWriter(tmp_path / "a.mp4", 64, 64, Fraction(25), FAST) as writer:
        writer.write(moving_picture(40))
        raise error
    assert not list(tmp_path.iterdir())


def test_without_a_frame_there_is_no_file(tmp_path):
    with pytest.raises(VideoError, match="No frame was written"), VideoWriter(tmp_path / "a.mp4", 64, 64, Fraction(25)):
        pass
    assert not list(tmp_path.iterdir())


def test_a_file_is_never_overwritten(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"mine")
    with pytest.raises(VideoError, match="exists already and is not overwritten"):
        VideoWriter(path, 64, 64, Fraction(25))
    assert path.read_bytes() == b"mine"


def test_a_file_that_appears_meanwhile_is_kept_and_so_is_the_video(tmp_path):
    path = tmp_path / "a.mp4"
    with VideoWriter(path, 64, 64, Fraction(25), FAST) as writer:
        writer.write(moving_picture(3))
        path.write_bytes(b"mine")
    assert path.read_bytes() == b"mine"
    assert writer.path == tmp_path / "a-2.mp4" and probe(writer.path).frames == 3


@pytest.mark.parametrize(("width", "height"), [(63, 64), (64, 63), (0, 64)])
def test_odd_sizes(tmp_path, width, height):
    with pytest.raises(VideoError, match=f"{width}x{height}; a video's width and height must be even"):
        VideoWriter(tmp_path / "a.mp4", width, height, Fraction(25))
    assert not list(tmp_path.iterdir())


def test_frames_of_another_size(tmp_path):
    with pytest.raises(VideoError, match=r"shape \(2, 64, 32, 3\) were given to a video of 64x64"):
        write_other = VideoWriter(tmp_path / "a.mp4", 64, 64, Fraction(25), FAST)
        with write_other as writer:
            writer.write(torch.zeros(2, 64, 32, 3))
    assert not list(tmp_path.iterdir())


def test_other_names_and_rates(tmp_path):
    with pytest.raises(VideoError, match="a.mkv; it must end in .mp4"):
        VideoWriter(tmp_path / "a.mkv", 64, 64, Fraction(25))
    with pytest.raises(VideoError, match="frame rate is 0"):
        VideoWriter(tmp_path / "a.mp4", 64, 64, Fraction(0))
    (tmp_path / "file").touch()
    with pytest.raises(VideoError, match="cannot be written"):
        VideoWriter(tmp_path / "file" / "a.mp4", 64, 64, Fraction(25))
    with pytest.raises(VideoError, match="h265 encoder refuses 2x2"):
        VideoWriter(tmp_path / "a.mp4", 2, 2, Fraction(25), VideoSettings("h265"))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_encoder_that_this_pyav_lacks_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(CODECS, "av1", "libnone")
    with pytest.raises(VideoError, match="built without libnone. Install PyAV's own wheel"):
        VideoWriter(tmp_path / "a.mp4", 64, 64, Fraction(25), VideoSettings("av1"))


def test_qualities_of_av1_follow_those_of_the_others():
    assert [av1_quality(quality) for quality in (1, 14, 26, 51)] == [1, 17, 32, 63]


@pytest.mark.parametrize(
    "wrong", [{"codec": "vp9"}, {"bit_depth": 12}, {"quality": 52}, {"quality": -1}, {"preset": "best"}], ids=str
)
def test_settings_are_checked(wrong):
    with pytest.raises(SettingsError, match=str(next(iter(wrong.values())))):
        VideoSettings(**wrong)


FILL_THE_DISK = """
import resource, sys, torch
from fractions import Fraction
from hallo2_core.errors import VideoError
from hallo2_core.video.writer import VideoWriter
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    with VideoWriter(sys.argv[1], 128, 128, Fraction(25)) as writer:
        for _ in range(20):
            writer.write(torch.rand(10, 128, 128, 3))
except VideoError as error:
    print(error)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on file sizes")
def test_a_full_disk_is_one_clear_line_and_leaves_no_trace(tmp_path):
    done = subprocess.run([sys.executable, "-c", FILL_THE_DISK, tmp_path / "a.mp4"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "cannot be written" in done.stdout and "Make room" in done.stdout and done.stdout.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_name_that_looks_like_an_address_is_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with VideoWriter("12:31.mp4", 32, 32, Fraction(25)) as writer:
        writer.write(torch.zeros(2, 32, 32, 3))
    assert sum(1 for _ in read_frames("12:31.mp4")) == 2 and stored_sizes("12:31.mp4") == {(32, 32)}


def test_a_folder_that_cannot_be_written_to_is_refused_before_the_work(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(VideoError, match="cannot be written: it is not a folder. A part of the path is a file"):
        check_target(tmp_path / "file" / "a.mp4")


@pytest.mark.parametrize("name", ["a" * 240 + ".mp4", "\u00fc" * 120 + ".mp4"])
def test_a_name_too_long_for_its_unfinished_work_is_refused_before_the_work(tmp_path, name):
    with pytest.raises(VideoError, match="name has 24[0-9] bytes; up to 230 .* Choose a shorter name"):
        check_target(tmp_path / name)


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.ENOSPC, "Make room there"),
        (errno.EROFS, "Allow reading and writing there, or choose another folder"),
        (errno.EACCES, "Allow reading and writing there"),
        (errno.ENOENT, "Check that the folder is still there"),
        (errno.ENAMETOOLONG, "shorter name"),
    ],
)
def test_the_advice_fits_the_error(tmp_path, code, advice):
    target = TargetFile(tmp_path / "a.mp4")
    with pytest.raises(VideoError, match=advice) as raised, target.reported():
        raise OSError(code, os.strerror(code))
    assert (advice == "Make room there") == ("room" in str(raised.value))
