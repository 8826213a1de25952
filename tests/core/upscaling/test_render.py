import io
import logging
import re
from dataclasses import fields, replace
from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from faces_on_script import ScriptedFaces, face_at
from PIL import Image
from seeded_models import seeded_upscaler
from stand_ins import PressedCancelError, RecordingRuntime

from hallo2_core.animation import eta
from hallo2_core.errors import JobError, MemoryShortageError, SettingsError, VideoError
from hallo2_core.jobs.job import Job
from hallo2_core.jobs.key import different_parts
from hallo2_core.runtime import LocalRuntime
from hallo2_core.upscaling import job_key
from hallo2_core.upscaling import render as rendering
from hallo2_core.upscaling.job_key import Upscale, upscale_key
from hallo2_core.upscaling.render import memory_needed, upscale_video
from hallo2_core.upscaling.settings import UpscaleSettings
from hallo2_core.video.orientation import Orientation
from hallo2_core.video.reader import probe, read_frames
from hallo2_core.video.settings import VideoSettings

SETTINGS = UpscaleSettings(
    96, 64, window_frames=6, overlap_frames=2, missed_frames=2, smoothing_frames=0.5, detect_every_frames=2
)
FAST = VideoSettings(quality=10, preset="ultrafast")
RATE_HZ = 16000


@pytest.fixture(scope="module")
def upscaler():
    return seeded_upscaler()


def greys(count, height=32, width=48):
    """Frames of one grey each: 4 times their number."""
    return [np.full((height, width, 3), 4 * number, dtype=np.uint8) for number in range(count)]


def video_file(path, pictures, ticks=None, time_base=Fraction(1, 25), sound=None, pixel_format="yuv420p", **options):
    """ticks: of each picture. sound: the codec of half a second of a rising tone."""
    with av.open(str(path), "w", **options) as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "1", "preset": "ultrafast"})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt, stream.codec_context.time_base = pixel_format, time_base
        audio = container.add_stream(sound, rate=RATE_HZ, layout="mono") if sound else None
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pixel_format)
            frame.pts, frame.time_base = number if ticks is None else ticks[number], time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound:
            tone = np.sin(np.arange(RATE_HZ // 2) ** 1.5 / 200)[None] * 0.5
            frame = av.AudioFrame.from_ndarray((tone * 32767).astype(np.int16), format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, 0, Fraction(1, RATE_HZ)
            for part in av.AudioResampler(audio.format, "mono", RATE_HZ).resample(frame):
                container.mux(audio.encode(part))
            container.mux(audio.encode(None))
    return path


def upscaled(source, tmp_path, upscaler, runtime=None, **changed):
    runtime = runtime or LocalRuntime()
    upscale = replace(Upscale(source, upscaler, None, SETTINGS, FAST), **changed)
    job = Job(tmp_path / "job", upscale_key(upscale, runtime))
    return upscale_video(upscale, job, tmp_path / "out.mp4", runtime)


def times(path):
    with av.open(str(path)) as video:
        return [frame.pts * frame.time_base for frame in video.decode(video=0)]


def packets(path, kind="audio"):
    with av.open(str(path)) as video:
        stream = getattr(video.streams, kind)[0]
        return [(packet.pts * packet.time_base, bytes(packet)) for packet in video.demux(stream) if packet.size]


def levels(path):
    return [round(float(frame.float().mean())) for frame in read_frames(path)]


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


@pytest.fixture
def faces():
    return ScriptedFaces(lambda frame: [face_at(24, 12, 4.0 + frame / 40)] if frame % 52 < 44 else [])


@pytest.mark.parametrize("dies_after", [3, 17, 36, 47])
def test_stopped_and_gone_on_with_it_is_the_same_video(dies_after, tmp_path, upscaler, faces):
    source = video_file(tmp_path / "in.mp4", greys(48), sound="aac")
    (tmp_path / "whole").mkdir()
    whole = upscaled(source, tmp_path / "whole", upscaler, faces=faces)
    with pytest.raises(PressedCancelError):
        upscaled(source, tmp_path, upscaler, RecordingRuntime(cancel_after=dies_after), faces=faces)
    assert not (tmp_path / "out.mp4").exists()
    runtime = RecordingRuntime()
    made = upscaled(source, tmp_path, upscaler, runtime, faces=faces)
    assert made.resumed_from_clip == dies_after // 16 and runtime.reports[0] == (dies_after // 16 * 16 + 1, 48)
    assert packets(made.path, "video") == packets(whole.path, "video")
    assert packets(made.path) == packets(whole.path)


def test_the_time_left_is_said_and_after_a_stop_what_is_kept(tmp_path, upscaler, monkeypatch):
    class TalkingRuntime(RecordingRuntime):
        def notify(self, text):
            told.append(text)

    monkeypatch.setattr(eta, "MEASURED_SECONDS", 0.0)
    source, told = video_file(tmp_path / "in.mp4", greys(48)), []
    with pytest.raises(PressedCancelError):
        upscaled(source, tmp_path, upscaler, TalkingRuntime(cancel_after=20))
    assert told == ["", "Stopped: 1 of 3 clips are kept. Run the same again to continue."]
    told.clear()
    (tmp_path / "again").mkdir()
    upscaled(source, tmp_path / "again", upscaler, TalkingRuntime())
    before, going, after = told
    assert re.fullmatch(r"Clip 3 of 3, about \d+ s to go\. 48 frames of 96x64", going) and before == after == ""


def test_stopped_while_the_file_is_put_together_no_frame_is_made_again(tmp_path, upscaler):
    source = video_file(tmp_path / "in.mp4", greys(19))
    with pytest.raises(PressedCancelError):
        upscaled(source, tmp_path, upscaler, RecordingRuntime(cancel_after=19))
    runtime = RecordingRuntime()
    made = upscaled(source, tmp_path, upscaler, runtime)
    assert made.frames == 19 and made.resumed_from_clip == 2 and not runtime.reports


def test_a_finished_one_returns_at_once_and_a_changed_one_is_refused(tmp_path, upscaler):
    source = video_file(tmp_path / "in.mp4", greys(3))
    upscaled(source, tmp_path, upscaler)
    runtime = RecordingRuntime()
    assert upscaled(source, tmp_path, upscaler, runtime).frames == 3 and not runtime.reports
    with pytest.raises(JobError, match="other settings"):
        upscaled(source, tmp_path, upscaler, settings=replace(SETTINGS, width_px=98))


def test_the_key_is_the_files_content_and_every_setting(tmp_path, upscaler, faces):
    source = video_file(tmp_path / "in.mp4", greys(3))
    (tmp_path / "other.mp4").write_bytes(source.read_bytes())
    upscale = Upscale(source, upscaler, None, SETTINGS, FAST)
    key = upscale_key(upscale, LocalRuntime())
    assert key == upscale_key(replace(upscale, source=tmp_path / "other.mp4"), LocalRuntime()) and key.frames == 3
    (tmp_path / "other.mp4").write_bytes(source.read_bytes() + b"\0")
    changes = [
        {"source": tmp_path / "other.mp4"},
        {"faces": faces},
        {"settings": replace(SETTINGS, width_px=SETTINGS.width_px + 2)},
        {"settings": replace(SETTINGS, height_px=SETTINGS.height_px + 2)},
        {"video_settings": VideoSettings()},
        {"background_name": "another"},
    ]
    assert key.name not in {upscale_key(replace(upscale, **change), LocalRuntime()).name for change in changes}


OF_FACES = {
    "fidelity": 0.25, "window_frames": 17, "overlap_frames": 3, "missed_frames": 3, "smoothing_frames": 1.0,
    "detect_every_frames": 3,
}  # fmt: skip


def test_what_is_done_to_faces_counts_where_faces_are_looked_for(tmp_path, upscaler, faces):
    source = video_file(tmp_path / "in.mp4", greys(3))
    assert {field.name for field in fields(SETTINGS)} == {"width_px", "height_px", *OF_FACES}
    changes = [{"settings": replace(SETTINGS, **{name: value})} for name, value in OF_FACES.items()]
    changes.append({"upscaler": replace(upscaler, fingerprint="another")})
    for finder, counts in ((None, False), (faces, True)):
        upscale = Upscale(source, upscaler, finder, SETTINGS, FAST)
        name = upscale_key(upscale, LocalRuntime()).name
        for change in changes:
            assert (upscale_key(replace(upscale, **change), LocalRuntime()).name != name) == counts, change


def test_the_arithmetic_is_apart_from_what_was_asked_for(tmp_path, upscaler, monkeypatch):
    upscale = Upscale(video_file(tmp_path / "in.mp4", greys(3)), upscaler, None, SETTINGS, FAST)
    before = upscale_key(upscale, LocalRuntime())
    monkeypatch.setattr(torch, "__version__", "another")
    monkeypatch.setattr(job_key, "UPSCALING_ARITHMETIC", 99)
    now = upscale_key(upscale, LocalRuntime())
    assert now.request == before.request
    assert different_parts(before.arithmetic, now.arithmetic) == ["ARITHMETIC", "torch"]
    assert before.arithmetic["dtype"] == "float32" and before.arithmetic["attention"] == "sdpa"


def test_what_no_player_shows_and_what_is_no_video_is_refused_before_anything_is_written(tmp_path, upscaler):
    source = video_file(tmp_path / "in.mp4", greys(3, 32, 32))
    with pytest.raises(SettingsError, match="4096x4096 at 25 .* Choose the codec h265 or av1"):
        upscaled(source, tmp_path, upscaler, settings=UpscaleSettings(4096, 4096))
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    with pytest.raises(VideoError, match=r"broken\.mp4"):
        upscaled(tmp_path / "broken.mp4", tmp_path, upscaler)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.mp4", "in.mp4"]


def test_memory_is_said_before_the_start(tmp_path, upscaler, caplog):
    source = video_file(tmp_path / "in.mp4", greys(3))
    with caplog.at_level(logging.INFO, "hallo2"):
        upscaled(source, tmp_path, upscaler)
    assert "48x32 to 96x64" in caplog.text
    large = Upscale(source, upscaler, None, UpscaleSettings(4096, 4096), FAST)
    said = memory_needed(probe(source), replace(large, video_settings=VideoSettings("h265")))
    assert "each finished frame takes 201 MB" in said and "2206 MB of main memory" in said
    assert "level 6 of h265" in said


def test_pixels_that_nothing_was_done_to_come_out_as_they_were(tmp_path, upscaler):
    pictures = [torch.randint(0, 256, (32, 48, 3), dtype=torch.uint8).numpy() for _ in range(2)]
    lossless = VideoSettings(quality=0, preset="ultrafast")
    source = video_file(tmp_path / "in.mp4", greys(2) + pictures, pixel_format="yuv420p")
    same_size = UpscaleSettings(48, 32)
    first = upscaled(source, tmp_path, upscaler, settings=same_size, video_settings=lossless)
    for given, made in zip(list(read_frames(source))[:2], read_frames(first.path), strict=False):
        assert (given.int() - made.int()).abs().max() <= 1


class ShortRestorer(torch.nn.Module):
    """The given one, which runs out of memory from some call on."""

    def __init__(self, restorer, call):
        super().__init__()
        self.restorer, self.config, self.left = restorer, restorer.config, call - 1

    def encode(self, *arguments, **options):
        return self.restorer.encode(*arguments, **options)

    def restore(self, *arguments, **options):
        self.left -= 1
        if self.left < 0:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return self.restorer.restore(*arguments, **options)


def test_out_of_memory_twice_it_stops_with_the_job_kept_and_goes_on_later(tmp_path, upscaler, faces):
    source = video_file(tmp_path / "in.mp4", greys(40), sound="aac")
    (tmp_path / "whole").mkdir()
    whole = upscaled(source, tmp_path / "whole", upscaler, faces=faces)
    short = replace(upscaler, restorer=ShortRestorer(upscaler.restorer, 6))
    with pytest.raises(MemoryShortageError, match="Choose a smaller window"):
        upscaled(source, tmp_path, short, faces=faces)
    made = upscaled(source, tmp_path, upscaler, faces=faces)
    assert made.resumed_from_clip == 1 and packets(made.path, "video") == packets(whole.path, "video")


def test_a_frame_that_cannot_be_converted_for_lack_of_memory_is_converted_again(tmp_path, upscaler, monkeypatch):
    source, asked = video_file(tmp_path / "in.mp4", greys(5)), []

    def convert(frame, bit_depth, call=rendering.to_planes):
        asked.append(1)
        if len(asked) == 2:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return call(frame, bit_depth)

    monkeypatch.setattr(rendering, "to_planes", convert)
    made = upscaled(source, tmp_path, upscaler)
    assert made.frames == 5 and len(asked) == 6 and np.abs(np.array(levels(made.path)) - 4 * np.arange(5)).max() <= 1


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
