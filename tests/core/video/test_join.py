import json
import shutil
import subprocess
from fractions import Fraction
from math import ceil

import av
import numpy as np
import pytest
import torch
from video_on_script import decoded_sound, lag_samples, moving_picture, speech_like

from hallo2_core.errors import VideoError
from hallo2_core.video.clips import encode_clip
from hallo2_core.video.colour import to_yuv420
from hallo2_core.video.join import join_clips
from hallo2_core.video.reader import probe, read_frames
from hallo2_core.video.settings import VideoSettings
from hallo2_core.video.target import TargetFile

FAST = VideoSettings(preset="ultrafast")
PAL = Fraction(25)
LENGTHS = (5, 5, 5, 2)  # frames of the clips; the last one is short


def segment(path, frames, fps=PAL, settings=FAST, lengths=LENGTHS):
    """Clips one after the other in a file, as a job keeps them. Returns path → frames."""
    first = 0
    with path.open("wb") as file:
        for length in lengths:
            file.write(encode_clip(frames[first : first + length], first, fps, settings))
            first += length
    return {path: first}


def join(segments, path, fps=PAL, audio=None, check_cancelled=lambda: None):
    with TargetFile(path) as target:
        join_clips(segments, target, fps, audio, check_cancelled)
        target.settle()
        target.publish()
    return path


def pictures(path):
    """Every decoded frame's time in seconds and its three planes, as the file holds them."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            depth = np.uint16 if frame.format.name.endswith("10le") else np.uint8
            planes = [np.frombuffer(p, depth).reshape(p.height, -1)[:, : p.width].copy() for p in frame.planes]
            yield frame.pts * frame.time_base, planes


@pytest.mark.parametrize("codec", ["h264", "h265", "av1"])
@pytest.mark.parametrize("fps", ["24", "25", "30", "30000/1001", "24000/1001"])
def test_joined_they_are_the_frames_in_order_at_their_exact_times(tmp_path, codec, fps):
    fps, settings = Fraction(fps), VideoSettings(codec, preset="superfast")
    frames = moving_picture(34)
    one = segment(tmp_path / "one.ts", frames[:17], fps, settings)
    two = segment(tmp_path / "two.ts", frames[17:], fps, settings)
    path = join(one | two, tmp_path / "a.mp4", fps)
    joined = list(pictures(path))
    assert [time for time, _planes in joined] == [number / fps for number in range(34)]
    separate = [planes for part in (*one, *two) for _time, planes in pictures(part)]
    for (_time, got), expected in zip(joined, separate, strict=True):
        assert all(np.array_equal(*planes) for planes in zip(got, expected, strict=True))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.duration * stream.time_base == 34 / fps and stream.average_rate == fps
    assert probe(path).frames == 34
    for number, frame in enumerate(read_frames(path)):
        assert (frame.float() / 255 - frames[number]).abs().mean() < 0.02


@pytest.mark.parametrize("codec", ["h264", "h265", "av1"])
@pytest.mark.parametrize("bit_depth", [8, 10])
def test_lossless_clips_are_joined_without_losing_a_number(tmp_path, codec, bit_depth):
    frames = torch.randint(0, 256, (17, 64, 64, 3), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    settings = VideoSettings(codec, bit_depth, 0, "ultrafast")
    path = join(segment(tmp_path / "a.ts", frames, settings=settings), tmp_path / "a.mp4")
    for frame, (_time, planes) in zip(frames, pictures(path), strict=True):
        for got, expected in zip(planes, to_yuv420(frame, bit_depth), strict=True):
            assert np.array_equal(got, expected.numpy())


@pytest.mark.parametrize("codec", ["h264", "h265", "av1"])
@pytest.mark.parametrize("bit_depth", [8, 10])
def test_colours_and_codec_are_tagged_as_in_a_file_made_in_one_go(tmp_path, codec, bit_depth):
    settings = VideoSettings(codec, bit_depth, preset="ultrafast")
    path = join(segment(tmp_path / "a.ts", moving_picture(17), settings=settings), tmp_path / "a.mp4")
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        tags = (context.colorspace, context.color_primaries, context.color_trc, context.color_range)
        assert [int(tag) for tag in tags] == [1, 1, 1, 1]
        assert context.codec_tag == {"h264": "avc1", "h265": "hvc1", "av1": "av01"}[codec]
        assert context.pix_fmt == {8: "yuv420p", 10: "yuv420p10le"}[bit_depth]
        assert (context.width, context.height) == (64, 64)
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")  # plays while it loads


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed here")
@pytest.mark.parametrize(("codec", "name"), [("h264", "h264"), ("h265", "hevc"), ("av1", "av1")])
def test_another_program_counts_the_same_frames(tmp_path, codec, name):
    settings = VideoSettings(codec, 10, preset="ultrafast")
    clips = segment(tmp_path / "a.ts", moving_picture(17), settings=settings)
    for path in (join(clips, tmp_path / "a.mp4"), tmp_path / "a.ts"):  # what is unfinished can be watched too
        told = ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", str(path)]
        done = subprocess.run(told, capture_output=True, check=True)
        (stream,) = json.loads(done.stdout)["streams"]
        assert not done.stderr
        assert (stream["codec_name"], stream["pix_fmt"], stream["nb_read_frames"]) == (name, "yuv420p10le", "17")


@pytest.mark.parametrize("lengths", [(1,), (1, 1, 1), (3, 1, 2, 5), (16, 3), (60,)], ids=str)
@pytest.mark.parametrize("codec", ["h264", "h265", "av1"])
def test_clips_of_any_length(tmp_path, lengths, codec):
    settings, frames = VideoSettings(codec, preset="veryfast"), moving_picture(sum(lengths))
    path = join(segment(tmp_path / "a.ts", frames, settings=settings, lengths=lengths), tmp_path / "a.mp4")
    assert [time * 25 for time, _planes in pictures(path)] == list(range(len(frames)))


@pytest.mark.parametrize(("rate_hz", "channels"), [(16000, 1), (44100, 2), (48000, 1), (22050, 1)])
def test_the_sound_is_encoded_once_over_the_whole(tmp_path, rate_hz, channels):
    sound = speech_like(rate_hz, 2.345, channels)
    frames = moving_picture(ceil(Fraction(sound.samples, rate_hz) * 25))
    third = len(frames) // 3
    parts = {}
    for number, part in enumerate(frames.split(third)):
        parts |= segment(tmp_path / f"{number}.ts", part, lengths=[len(clip) for clip in part.split(7)])
    path = join(parts, tmp_path / "a.mp4", audio=sound)
    heard, heard_rate = decoded_sound(path)
    assert heard_rate == rate_hz and heard.shape[1] >= sound.samples
    for given, got in zip(sound.waveform.numpy(), heard, strict=True):
        assert abs(lag_samples(given, got)) / rate_hz <= 0.005
        assert np.corrcoef(given, got[: len(given)])[0, 1] >= 0.999
        for second in range(2):
            stretch = slice(second * rate_hz, (second + 1) * rate_hz)
            assert np.corrcoef(given[stretch], got[stretch])[0, 1] >= 0.98
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        assert stream.duration * stream.time_base == Fraction(sound.samples, rate_hz) and not stream.start_time
        assert container.streams.video[0].frames == len(frames)


@pytest.mark.parametrize("codec", ["h264", "h265", "av1"])
def test_cut_off_anywhere_what_came_before_still_plays(tmp_path, codec):
    """And a clip that was torn may be written again behind the last whole one."""
    path, frames = tmp_path / "a.ts", moving_picture(15)
    settings = VideoSettings(codec, preset="ultrafast")
    segment(path, frames[:10], settings=settings, lengths=(5, 5))
    whole = path.read_bytes()
    third = encode_clip(frames[10:], 10, PAL, settings)
    for torn in (1, 188, 500, len(third) // 2, len(third) - 1):
        path.write_bytes(whole + third[:torn])
        shown = list(read_frames(path))
        assert len(shown) >= 10
        for frame, given in zip(shown[:10], frames, strict=False):
            assert (frame.float() / 255 - given).abs().mean() < 0.02
    path.write_bytes(whole + third)
    assert probe(join({path: 15}, tmp_path / "a.mp4")).frames == 15


def zeros(content):
    middle = len(content) // 2
    return content[:middle] + bytes(1880) + content[middle + 1880 :]


@pytest.mark.parametrize(
    "damage",
    [lambda content: content[: len(content) * 2 // 3], lambda content: b"", lambda content: bytes(len(content)), zeros,
     lambda content: content[188 * 40 :], lambda content: content[: 188 * 100] + content[188 * 103 :],
     lambda content: content + content[: len(content) // 2], lambda content: b"This is a text. " * 1000],
    ids=["cut off", "empty", "zeros", "zeros within", "no beginning", "a gap", "too much", "a text"],
)  # fmt: skip
def test_a_damaged_file_of_clips_is_one_clear_error_that_names_it(tmp_path, damage):
    frames = moving_picture(34, 128, 128) + torch.rand(34, 128, 128, 3, generator=torch.Generator().manual_seed(1)) / 20
    one, two = segment(tmp_path / "one.ts", frames[:17]), segment(tmp_path / "two.ts", frames[17:])
    path = tmp_path / "two.ts"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(VideoError, match=r"two\.ts is damaged: .*Start over") as raised:
        join(one | two, tmp_path / "a.mp4", audio=speech_like(16000, 1.0))
    assert "\n" not in str(raised.value)
    assert {path.name for path in tmp_path.iterdir()} == {"one.ts", "two.ts"}


def test_a_missing_file_of_clips_is_named_too(tmp_path):
    one = segment(tmp_path / "one.ts", moving_picture(17))
    for segments in (one | {tmp_path / "gone.ts": 3}, {tmp_path / "gone.ts": 3}):
        with pytest.raises(VideoError, match=r"gone\.ts is damaged: No such file"):
            join(segments, tmp_path / "a.mp4")


def test_cancel_is_heard_at_every_picture_and_leaves_no_trace(tmp_path):
    one, heard = segment(tmp_path / "one.ts", moving_picture(17)), []

    def cancel():
        heard.append(1)
        if len(heard) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        join(one, tmp_path / "a.mp4", audio=speech_like(16000, 0.5), check_cancelled=cancel)
    assert len(heard) == 3 and [path.name for path in tmp_path.iterdir()] == ["one.ts"]
    heard.clear()
    with pytest.raises(KeyboardInterrupt):
        join(one, tmp_path / "a.mp4", check_cancelled=cancel)


def test_the_disk_refuses(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(VideoError, match="cannot be written"):
        join(segment(tmp_path / "one.ts", moving_picture(17)), tmp_path / "file" / "a.mp4")
