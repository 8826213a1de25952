"""Times, sound and orientation of an upscaled video are those of its source."""

import io
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image
from seeded_models import seeded_upscaler
from small_upscale import RATE_HZ, SETTINGS, greys, levels, packets, times, upscaled, video_file

from hallo2_core.video.orientation import Orientation
from hallo2_core.video.reader import probe
from hallo2_core.video.settings import VideoSettings


@pytest.fixture(scope="module")
def upscaler():
    return seeded_upscaler()


@pytest.mark.parametrize("count", [1, 16, 17, 40])
def test_every_frame_at_its_time_and_the_very_sound(count, tmp_path, upscaler):
    source = video_file(tmp_path / "in.mp4", greys(count), sound="aac")
    made = upscaled(source, tmp_path, upscaler)
    assert (made.frames, made.width, made.height, made.fps, made.resumed_from_clip) == (count, 96, 64, 25, 0)
    assert np.abs(np.array(levels(made.path)) - 4 * np.arange(count)).max() <= 1
    assert times(made.path) == times(source)
    assert packets(made.path) == packets(source)
    assert made.seconds == pytest.approx(count / 25) == probe(source).seconds
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "job", "out.mp4"]


def test_frames_that_last_differently_long_keep_their_times(tmp_path, upscaler):
    ticks = np.cumsum([0, *np.random.default_rng(0).integers(20, 300, size=29)]).tolist()
    source = video_file(tmp_path / "in.mkv", greys(30), ticks, Fraction(1, 1000), sound="libmp3lame")
    made = upscaled(source, tmp_path, upscaler, video_settings=VideoSettings("h265", preset="ultrafast"))
    assert times(made.path) == times(source) == [Fraction(tick, 1000) for tick in ticks]
    assert [content for _, content in packets(made.path)] == [content for _, content in packets(source)]
    shifts = {round(float(a - b), 3) for (a, _), (b, _) in zip(packets(made.path), packets(source), strict=True)}
    assert max(map(abs, shifts)) <= 0.001  # Matroska counts milliseconds
    assert np.abs(np.array(levels(made.path)) - 4 * np.arange(30)).max() <= 2


def test_a_clock_that_starts_anywhere_is_set_to_0_for_pictures_and_sound_alike(tmp_path, upscaler):
    source = video_file(tmp_path / "in.ts", greys(9), sound="aac", options={"output_ts_offset": "5"})
    made = upscaled(source, tmp_path, upscaler)
    start = times(source)[0]
    assert start > 1 and abs(times(made.path)[0]) < 0.1
    lag = (packets(made.path)[0][0] - times(made.path)[0]) - (packets(source)[0][0] - start)
    assert abs(lag) < 0.001
    assert np.diff([float(time) for time in times(made.path)]) == pytest.approx([0.04] * 8)


def test_pictures_that_begin_late_still_do(tmp_path, upscaler):
    source = video_file(tmp_path / "in.mp4", greys(5), [7, 8, 9, 10, 11], sound="aac")
    made = upscaled(source, tmp_path, upscaler)
    assert times(made.path) == times(source) and times(source)[0] == Fraction(7, 25)
    assert packets(made.path) == packets(source)


@pytest.mark.parametrize("codec", ["pcm_s16le", "pcm_s24le"])
def test_plain_samples_go_in_without_loss(codec, tmp_path, upscaler):
    source = video_file(tmp_path / "in.mov", greys(12), sound=codec)
    made = upscaled(source, tmp_path, upscaler)
    sound = []
    for path in (source, made.path):
        with av.open(str(path)) as video:
            parts = [frame.to_ndarray().astype(np.int64).ravel() for frame in video.decode(audio=0)]
        sound.append(np.concatenate(parts))
    assert np.array_equal(*sound) and len(sound[0]) == RATE_HZ // 2


def test_sound_that_mp4_cannot_hold_is_encoded_anew_and_the_log_says_so(tmp_path, upscaler, caplog):
    source = video_file(tmp_path / "in.mkv", greys(12), sound="mp2")
    made = upscaled(source, tmp_path, upscaler)
    with av.open(str(made.path)) as video:
        assert video.streams.audio[0].codec_context.name == "aac"
        assert float(video.streams.audio[0].duration * video.streams.audio[0].time_base) == pytest.approx(0.5, abs=0.2)
    assert "MP4 cannot hold mp2 sound" in caplog.text


def test_every_sound_is_kept_with_its_language(tmp_path, upscaler):
    one = video_file(tmp_path / "one.mp4", greys(12), sound="aac")
    source = tmp_path / "in.mp4"
    with av.open(str(one)) as given, av.open(str(source), "w") as container:
        picture, *sounds = (container.add_stream_from_template(given.streams[number]) for number in (0, 1, 1))
        for sound, language in zip(sounds, ("deu", "eng"), strict=True):
            sound.metadata["language"] = language
        for stream in (picture, *sounds):
            with av.open(str(one)) as again:
                for packet in again.demux(0 if stream is picture else 1):
                    if packet.size:
                        packet.stream = stream
                        container.mux(packet)
    made = upscaled(source, tmp_path, upscaler)
    with av.open(str(made.path)) as container:
        assert [sound.metadata["language"] for sound in container.streams.audio] == ["deu", "eng"]
    assert packets(made.path) == packets(one)


def test_samples_of_a_file_that_does_not_name_its_channels(tmp_path, upscaler):
    """Matroska says how many there are, and no more."""
    for codec, becomes in (("pcm_s16le", "flac"), ("pcm_f32le", "aac")):
        source = video_file(tmp_path / f"{codec}.mkv", greys(12), sound=codec)
        (tmp_path / codec).mkdir()
        made = upscaled(source, tmp_path / codec, upscaler)
        with av.open(str(made.path)) as video:
            stream = video.streams.audio[0]
            assert (stream.codec_context.name, stream.codec_context.layout.name) == (becomes, "mono")


def test_without_sound_with_odd_sides_in_10_bits_and_from_an_open_file(tmp_path, upscaler):
    pictures = greys(3, 31, 47)
    source = video_file(tmp_path / "in.mkv", pictures, pixel_format="yuv444p10le")
    ten_bits = VideoSettings("h265", 10, 10, "ultrafast")
    made = upscaled(io.BytesIO(source.read_bytes()), tmp_path, upscaler, video_settings=ten_bits)
    seen = probe(made.path)
    assert (seen.width, seen.height, seen.frames, seen.has_audio) == (96, 64, 3, False)
    assert seen.pixel_format == "yuv420p10le"
    assert np.abs(np.array(levels(made.path)) - [0, 4, 8]).max() <= 1


def test_a_phones_video_comes_upright_and_has_no_rotation_left(tmp_path, upscaler):
    source = video_file(tmp_path / "in.mp4", greys(3))
    stored = source.read_bytes()
    upright, clockwise = (
        np.array(matrix, dtype=">i4").tobytes()
        for matrix in ([1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30], [0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30])
    )
    at = stored.index(upright, stored.index(b"tkhd"))
    source.write_bytes(stored[:at] + clockwise + stored[at + len(upright) :])
    made = upscaled(source, tmp_path, upscaler, settings=replace(SETTINGS, width_px=64, height_px=96))
    seen = probe(made.path)
    assert (seen.width, seen.height, seen.orientation) == (64, 96, Orientation())
    assert np.abs(np.array(levels(made.path)) - [0, 4, 8]).max() <= 1


def test_two_recordings_joined_byte_by_byte_go_on_where_the_clock_jumps(tmp_path, upscaler):
    one = video_file(tmp_path / "one.ts", greys(12), sound="aac").read_bytes()
    source = tmp_path / "two.ts"
    source.write_bytes(one + one)
    made = upscaled(source, tmp_path, upscaler)
    seen = times(made.path)
    assert made.frames == len(seen) == 24
    steps = np.diff([float(time) for time in seen])
    assert steps.min() > 0.02 and steps.max() < 0.1
    sound = [float(time) for time, _content in packets(made.path)]
    assert sound == sorted(sound) and sound[-1] == pytest.approx(float(seen[-1]), abs=0.2)


@pytest.mark.parametrize("ending", ["gif", "png"])
def test_the_last_picture_of_an_animation_keeps_its_duration(ending, tmp_path, upscaler):
    first, *others = (Image.fromarray(picture) for picture in greys(4))
    source = tmp_path / f"in.{ending}"
    first.save(source, save_all=True, append_images=others, duration=[100, 100, 100, 1000])
    made = upscaled(source, tmp_path, upscaler)
    assert made.frames == 4 and made.seconds == pytest.approx(1.3)
