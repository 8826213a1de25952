"""A trimmed video has the frames and the sound of that part of the whole."""

from fractions import Fraction

import av
import numpy as np
import pytest
from seeded_models import seeded_upscaler
from stand_ins import PressedCancelError, RecordingRuntime

from hallo2_core.errors import VideoError
from hallo2_core.jobs.job import Job
from hallo2_core.runtime import LocalRuntime
from hallo2_core.upscaling.job_key import Upscale, upscale_key
from hallo2_core.upscaling.render import upscale_video
from hallo2_core.upscaling.settings import UpscaleSettings
from hallo2_core.video.frame_times import FrameTimes
from hallo2_core.video.reader import probe, read_frames
from hallo2_core.video.settings import VideoSettings
from hallo2_core.video.source import TrimmedVideo, trimmed
from hallo2_core.video.source_fingerprint import source_fingerprint

FRAMES, FPS, RATE_HZ = 60, 25, 48000
WINDOWS = [(0.0, 0.4), (0.28, 0.4), (0.5, 0.0), (0.51, 0.333), (1.2, 0.04), (2.36, 5.0), (0.0, 2.0)]
LONGEST_PACKET = 4608  # samples, FLAC's
SETTINGS = UpscaleSettings(96, 64)
FAST = VideoSettings(quality=10, preset="ultrafast")


def chirp():
    return 0.4 * np.sin(np.cumsum(np.linspace(0.005, 0.2, RATE_HZ * FRAMES // FPS)))


def video_file(path, sound="aac", ticks=None, time_base=Fraction(1, FPS)):
    """Frame k is of the grey 4 k, with a key frame every 10 frames, and other pictures are shown late."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": "1", "g": "10", "preset": "medium"})
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        stream.codec_context.time_base = time_base
        audio = container.add_stream(sound, rate=RATE_HZ, layout="mono")
        for number in range(FRAMES):
            picture = np.full((32, 48, 3), 4 * number, dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = number if ticks is None else ticks[number], time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        block = (chirp()[None] * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, 0, Fraction(1, RATE_HZ)
        for part in av.AudioResampler(audio.format, "mono", RATE_HZ).resample(frame):
            container.mux(audio.encode(part))
        container.mux(audio.encode(None))
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return video_file(tmp_path_factory.mktemp("whole") / "in.mp4")


def levels(source):
    return [round(float(frame.float().mean())) for frame in read_frames(source)]


def numbers_of(start, duration, times):
    """Of the frames that the part must have."""
    end = start + duration if duration else float("inf")
    return [number for number, time in enumerate(times) if round(start, 6) <= round(float(time), 6) < round(end, 6)]


def heard(path):
    """What a player lets one hear, as sample by sample from time 0."""
    samples = []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            at = round(frame.pts * frame.time_base * RATE_HZ)
            wave = frame.to_ndarray().ravel()
            wave = wave / 2.0 ** (8 * wave.itemsize - 1) if wave.dtype.kind == "i" else wave
            samples.append((at, wave))
    out = np.zeros(max(at + len(wave) for at, wave in samples))
    for at, wave in samples:
        out[max(at, 0) : at + len(wave)] = wave[max(-at, 0) :]
    return out


@pytest.mark.parametrize(("start", "duration"), WINDOWS)
def test_its_frames_and_their_times(start, duration, whole):
    times = FrameTimes()
    part = trimmed(whole, start, duration)
    shown = [round(float(frame.float().mean())) for frame in read_frames(part, times=times)]
    expected = numbers_of(start, duration, np.arange(FRAMES) / FPS)
    assert shown == [levels(whole)[number] for number in expected]
    seconds = [float(tick * times.time_base) for tick in times.ticks]
    assert seconds == pytest.approx([0.0, *(number / FPS - start for number in expected[1:])], abs=1e-4)
    end = min(start + duration if duration else 9.0, FRAMES / FPS) - start
    assert float(times.end) == pytest.approx(end, abs=0.001)
    assert probe(part).seconds == pytest.approx(end, abs=0.001) and probe(part).frames is None


@pytest.mark.parametrize("suffix", ["mkv", "ts", "avi"])
def test_files_that_cannot_be_entered_or_count_otherwise(suffix, tmp_path):
    source, times = video_file(tmp_path / f"in.{suffix}", "mp2" if suffix == "avi" else "aac"), FrameTimes()
    all_levels = [round(float(frame.float().mean())) for frame in read_frames(source, times=times)]
    seconds = [tick * times.time_base for tick in times.ticks]
    for start, duration in WINDOWS[:5]:
        expected = [all_levels[number] for number in numbers_of(start, duration, seconds)]
        assert levels(trimmed(source, start, duration)) == expected and expected


def test_frames_that_last_differently_long(tmp_path):
    ticks = np.cumsum([140, *np.random.default_rng(0).integers(20, 90, size=FRAMES - 1)])
    source = video_file(tmp_path / "in.mkv", ticks=ticks.tolist(), time_base=Fraction(1, 1000))
    for start, duration in [(0.0, 1.0), (0.1, 0.5), (1.001, 0.7)]:
        times = FrameTimes()
        frames = read_frames(trimmed(source, start, duration), times=times)
        shown = [round(float(frame.float().mean())) for frame in frames]
        expected = numbers_of(start, duration, ticks / 1000)
        assert np.abs(np.array(shown) - 4 * np.array(expected)).max() <= 1
        begin = max(ticks[0] / 1000 - start, 0.0)  # nothing was shown before the first one
        assert float(times.at(0) * times.time_base) == pytest.approx(begin, abs=0.001)
        assert float(times.end) <= duration + 1e-6


def upscaled(source, folder, upscaler, runtime=None):
    folder.mkdir(exist_ok=True)
    runtime = runtime or LocalRuntime()
    work = Upscale(source, upscaler, None, SETTINGS, FAST)
    return upscale_video(work, Job(folder / "job", upscale_key(work, runtime)), folder / "out.mp4", runtime)


@pytest.fixture(scope="module")
def upscaler():
    return seeded_upscaler()


def lasting(start, duration):
    return min(duration or FRAMES / FPS, FRAMES / FPS - start)


@pytest.mark.parametrize(
    ("start", "duration", "suffix", "codec", "tolerance"),
    [
        (*window, *kind)
        for window in WINDOWS
        for kind in (("mp4", "aac", 0.02), ("mov", "pcm_s16le", 0.0), ("mkv", "libopus", 0.03), ("mp4", "flac", 0.0))
        # libavformat plays nothing of a single packet whose beginning is cut off
        if kind[1] != "flac" or lasting(*window) * RATE_HZ > LONGEST_PACKET
    ],
)
def test_the_sound_is_cut_to_a_sample_and_stays_with_the_pictures(
    start, duration, suffix, codec, tolerance, tmp_path, upscaler
):
    lasts = lasting(start, duration)
    source = video_file(tmp_path / f"in.{suffix}", codec)
    made = upscaled(trimmed(source, start, duration), tmp_path / "made", upscaler)
    expected = numbers_of(start, duration, np.arange(FRAMES) / FPS)
    assert np.abs(np.array(levels(made.path)) - 4 * np.array(expected)).max() <= 1
    given, got = heard(source), heard(made.path)
    first, length = round(start * RATE_HZ), round(lasts * RATE_HZ)
    slack = 48 if suffix == "mkv" else 0  # it counts milliseconds, and its first packet is one too long
    assert length - slack <= len(got) <= length + LONGEST_PACKET  # decoders let the last packet ring out
    compared = slice(960 if slack else 0, length - slack)
    best = min(
        np.abs(got[compared] - given[compared.start + first + lag : compared.stop + first + lag]).max()
        for lag in range(-slack, slack + 1)
    )
    assert best <= tolerance
    with av.open(str(made.path)) as container:
        for stream in (container.streams.video[0], container.streams.audio[0]):
            assert float(stream.duration * stream.time_base) == pytest.approx(lasts, abs=0.002)


def test_stopped_and_gone_on_with_it_is_the_same_part(whole, tmp_path, upscaler):
    part = trimmed(whole, 0.3, 1.7)
    once = upscaled(part, tmp_path / "once", upscaler)
    with pytest.raises(PressedCancelError):
        upscaled(part, tmp_path / "twice", upscaler, RecordingRuntime(cancel_after=20))
    runtime = RecordingRuntime()
    again = upscaled(part, tmp_path / "twice", upscaler, runtime)
    assert again.resumed_from_clip == 1 and runtime.reports[0] == (17, 42)
    assert again.path.read_bytes() == once.path.read_bytes()


def test_another_part_is_another_work(whole):
    parts = [whole, *(trimmed(whole, *window) for window in WINDOWS)]
    assert len({source_fingerprint(part) for part in parts}) == len(parts)
    assert source_fingerprint(trimmed(whole, 0.0, 0.0)) == source_fingerprint(whole)
    assert trimmed(whole, 0.28, 0.4) == TrimmedVideo(whole, Fraction(7, 25), Fraction(17, 25))


def test_a_part_with_nothing_in_it_is_one_clear_error(whole):
    for call in (probe, lambda source: list(read_frames(source))):
        with pytest.raises(VideoError, match=r"in\.mp4 .*from 3 s on"):
            call(trimmed(whole, 3.0, 0.0))
    with pytest.raises(VideoError, match=r"has no complete frame from 0\.41 s to 0\.42 s"):
        list(read_frames(trimmed(whole, 0.41, 0.01)))
