import io
import logging
from fractions import Fraction

import av
import numpy as np
import pytest
from video_on_script import decoded_sound, lag_samples, moving_picture, speech_like

from hallo2_core.errors import VideoError
from hallo2_core.video.clips import encode_clip
from hallo2_core.video.growing import GrowingVideo, boxes
from hallo2_core.video.join import join_clips
from hallo2_core.video.settings import CODECS, VideoSettings
from hallo2_core.video.target import TargetFile

PAL, NTSC = Fraction(25), Fraction(30000, 1001)
LENGTHS = (16, 16, 7)
RATE_HZ = 16000


def clips_of(frames, fps, codec):
    """(clip, frames in it, frames before it)"""
    before = 0
    for length in LENGTHS:
        clip = encode_clip(frames[before : before + length], before, fps, VideoSettings(codec))
        yield clip, length, before
        before += length


def pictures(path):
    """Time and luma of every frame."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            luma = frame.planes[0]
            yield frame.pts * frame.time_base, np.frombuffer(luma, np.uint8).reshape(luma.height, -1)[:, : luma.width]


@pytest.mark.parametrize("fps", [PAL, NTSC], ids=["pal", "ntsc"])
@pytest.mark.parametrize("codec", CODECS)
def test_after_each_clip_it_plays_like_the_finished_video(tmp_path, codec, fps):
    """Also where the first clips were made before a stop."""
    frames, sound = moving_picture(sum(LENGTHS)), speech_like(RATE_HZ, 1.5)
    segment, joined = tmp_path / "clips.ts", tmp_path / "joined.mp4"
    clips = list(clips_of(frames, fps, codec))
    segment.write_bytes(b"".join(clip for clip, _, _ in clips))
    with TargetFile(joined) as target:
        join_clips({segment: sum(LENGTHS)}, target, fps, sound, lambda: None)
        target.settle()
        target.publish()
    expected = list(pictures(joined))

    def check(path, count):
        found = list(pictures(path))
        assert [time for time, _ in found] == [pytest.approx(n / fps, abs=1e-5) for n in range(count)]
        assert all(np.array_equal(one, other) for (_, one), (_, other) in zip(found, expected, strict=False))
        heard, rate_hz = decoded_sound(path)
        assert rate_hz == RATE_HZ
        end = count * RATE_HZ / fps
        assert min(sound.samples - 3 * 1024, end) <= heard.shape[1] < end + 1024  # ends with the pictures
        given = sound.waveform[0, : heard.shape[1]].numpy()
        assert abs(lag_samples(given, heard[0][: len(given)])) <= 80

    growing = tmp_path / "growing.mp4"
    with GrowingVideo(growing, fps, sound) as video:
        for clip, length, before in clips:
            video.append(io.BytesIO(clip), length, before)
            check(growing, before + length)

    *kept, (clip, length, before) = clips
    segment.write_bytes(b"".join(clip for clip, _, _ in kept))
    with GrowingVideo(growing, fps, sound) as video:
        video.append(segment, before)
        check(growing, before)
        video.append(io.BytesIO(clip), length, before)
        check(growing, before + length)


def test_each_clip_adds_to_the_file_and_changes_nothing_before(tmp_path):
    growing, content = tmp_path / "growing.mp4", b""
    with GrowingVideo(growing, PAL, speech_like(RATE_HZ, 1.5)) as video:
        for clip, length, before in clips_of(moving_picture(sum(LENGTHS)), PAL, "h264"):
            video.append(io.BytesIO(clip), length, before)
            assert growing.read_bytes().startswith(content) and growing.stat().st_size > len(content)
            content = growing.read_bytes()
    assert content.count(b"moov") == 1 and content.count(b"moof") == len(LENGTHS)
    video.remove()
    assert not growing.exists()


def test_where_it_cannot_be_written_it_is_given_up_with_one_warning(tmp_path, caplog):
    growing = tmp_path / "gone" / "growing.mp4"
    with GrowingVideo(growing, PAL, speech_like(RATE_HZ, 1.5)) as video, caplog.at_level(logging.WARNING, "hallo2"):
        for clip, length, before in clips_of(moving_picture(sum(LENGTHS)), PAL, "h264"):
            video.append(io.BytesIO(clip), length, before)
            growing.parent.mkdir(exist_ok=True)  # possible again, but clips are missing by now
    assert not growing.exists()
    assert len(caplog.messages) == 1 and "cannot be continued" in caplog.text and str(growing) in caplog.text


@pytest.mark.parametrize("content", [bytes(8), b"\0\0\0\x09free", b"\0\0\0\x08fre", b"\0\0\0\x08freemore"], ids=repr)
def test_boxes_that_do_not_fit_are_refused(content):
    with pytest.raises(VideoError, match="do not fit"):
        list(boxes(content))
