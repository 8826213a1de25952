"""What would end the work after hours is found before it; what is met anyway leaves the finished part as a video."""

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from seeded_models import seeded_upscaler
from tiny import portrait

from hallo2_core.errors import VideoError
from hallo2_core.jobs.job import Job
from hallo2_core.payloads import Box
from hallo2_core.runtime import LocalRuntime
from hallo2_core.upscaling import render, render_pasted
from hallo2_core.upscaling.job_key import Upscale, upscale_key
from hallo2_core.upscaling.render_pasted import PasteBack, paste_back_video, paste_key
from hallo2_core.upscaling.settings import UpscaleSettings
from hallo2_core.video.settings import VideoSettings

FAST = VideoSettings(quality=20, preset="ultrafast")


def recording(path, frames=20, size=(48, 32), sound=None, rate_hz=44100, layout="mono", codec="libx264"):
    """Grey frames that brighten, and a tone as long."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"preset": "ultrafast"})
        (stream.width, stream.height), stream.pix_fmt = size, "yuvj420p" if codec == "mjpeg" else "yuv420p"
        audio = container.add_stream(sound, rate=rate_hz, layout=layout) if sound else None
        for number in range(frames):
            picture = np.full((size[1], size[0], 3), 4 * number, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
        if audio is not None:
            tone = (np.sin(np.arange(rate_hz * frames // 25) / 20) * 9000).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(tone[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
            size = audio.codec_context.frame_size or None
            for part in av.AudioResampler(audio.format, layout, rate_hz, frame_size=size).resample(frame):
                container.mux(audio.encode(part))
            container.mux(audio.encode(None))
    return path


def joined(path, *recordings):
    """Byte by byte, as `cat` does it."""
    path.write_bytes(b"".join(each.read_bytes() for each in recordings))
    return path


def upscaled(source, tmp_path, **changed):
    runtime = LocalRuntime()
    upscale = replace(Upscale(source, seeded_upscaler(), None, UpscaleSettings(48, 32), FAST), **changed)
    job = Job(tmp_path / "job", upscale_key(upscale, runtime))
    return render.upscale_video(upscale, job, tmp_path / "out.mp4", runtime)


def sound_of(path):
    """(t): the first channel."""
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])


def test_another_size_partway_is_found_before_the_work(tmp_path):
    source = joined(
        tmp_path / "two.ts",
        recording(tmp_path / "wide.ts", sound="aac"),
        recording(tmp_path / "tall.ts", size=(32, 48), sound="aac"),
    )
    with pytest.raises(VideoError, match=r"two.ts changes its size from 48x32 to 32x48 px at 0\.8\d s"):
        upscaled(source, tmp_path)
    assert not (tmp_path / "job").exists() and not list(tmp_path.glob("*.mp4"))


def test_what_was_finished_before_another_size_is_a_video_with_its_sound(tmp_path, monkeypatch):
    monkeypatch.setattr(render, "check_source", lambda *_arguments: None)  # where it was not seen
    source = joined(
        tmp_path / "two.ts",
        recording(tmp_path / "wide.ts", frames=44, sound="aac"),
        recording(tmp_path / "tall.ts", size=(32, 48), sound="aac"),
    )
    with pytest.raises(VideoError, match=r"changes its size .* The 16 frames before that are finished: .*first_part"):
        upscaled(source, tmp_path)
    with av.open(str(tmp_path / "out.first_part.mp4")) as video:
        assert sum(1 for _ in video.decode(video=0)) == 16
    assert len(sound_of(tmp_path / "out.first_part.mp4")) / 44100 == pytest.approx(16 / 25, abs=0.05)
    assert not (tmp_path / "out.mp4").exists() and list((tmp_path / "job").glob("*.ts"))


def pasted_into_two_sizes(tmp_path):
    """A talking face in a background whose size changes after 44 frames."""
    background = joined(
        tmp_path / "two.ts",
        recording(tmp_path / "wide.ts", frames=44, size=(96, 64)),
        recording(tmp_path / "tall.ts", frames=16, size=(64, 96)),
    )
    person = replace(portrait(), crop=Box(0, 0, 64, 64), source=torch.full((64, 96, 3), 0.5))
    talking = recording(tmp_path / "talking.mp4", frames=60, size=(64, 64), sound="aac")
    work = PasteBack(talking, person, FAST, 0.1, background=background)
    return paste_back_video(work, Job(tmp_path / "job", paste_key(work)), tmp_path / "out.mp4", LocalRuntime())


def test_a_background_of_two_sizes_is_found_before_the_work(tmp_path):
    with pytest.raises(VideoError, match=r"two.ts changes its size from 96x64 to 64x96 px at 1\.[78]\d s"):
        pasted_into_two_sizes(tmp_path)
    assert not (tmp_path / "job").exists() and not list(tmp_path.glob("out*"))


def test_what_was_pasted_before_another_size_is_a_video_with_its_sound(tmp_path, monkeypatch):
    monkeypatch.setattr(render_pasted, "check_source", lambda *_arguments, **_choices: None)  # where it was not seen
    with pytest.raises(VideoError, match=r"changes its size .* The 32 frames before that are finished: .*first_part"):
        pasted_into_two_sizes(tmp_path)
    with av.open(str(tmp_path / "out.first_part.mp4")) as video:
        assert sum(1 for _ in video.decode(video=0)) == 32
    assert len(sound_of(tmp_path / "out.first_part.mp4")) / 44100 == pytest.approx(32 / 25, abs=0.05)


def test_aac_that_changes_is_found_before_the_work(tmp_path):
    source = joined(
        tmp_path / "two.ts",
        recording(tmp_path / "mono.ts", sound="aac"),
        recording(tmp_path / "stereo.ts", sound="aac", rate_hz=48000, layout="stereo"),
    )
    with pytest.raises(VideoError, match=r"AAC sound changes its sample rate or channels at 0\.8\d s"):
        upscaled(source, tmp_path)
    assert not (tmp_path / "job").exists()


def test_other_sound_that_changes_is_converted_to_one_format(tmp_path):
    source = joined(
        tmp_path / "two.ts",
        recording(tmp_path / "mono.ts", sound="mp2"),
        recording(tmp_path / "stereo.ts", sound="mp2", rate_hz=48000, layout="stereo"),
    )
    made = upscaled(source, tmp_path)
    sound = sound_of(made.path)
    assert made.frames == 40 and len(sound) / 44100 == pytest.approx(1.6, abs=0.15)
    assert np.abs(sound[:30_000]).max() > 0.1 < np.abs(sound[40_000:]).max()


def test_mp3_of_a_rate_that_mp4_lacks_is_encoded_anew(tmp_path, caplog):
    made = upscaled(recording(tmp_path / "in.mkv", sound="libmp3lame", rate_hz=8000), tmp_path)
    assert "MP4 cannot hold mp3float sound of 8000 Hz" in caplog.text
    assert np.abs(sound_of(made.path)).max() > 0.1


def test_more_channels_than_any_codec_holds_are_refused_before_the_work(tmp_path):
    source = recording(tmp_path / "in.mov", sound="pcm_s16le", layout="hexadecagonal")
    with pytest.raises(VideoError, match=r"in.mov can be neither copied nor re-encoded.*-ac 2"):
        upscaled(source, tmp_path)
    assert not (tmp_path / "job").exists()


def test_damaged_packets_of_sound_are_left_out_and_said(tmp_path, caplog):
    source = recording(tmp_path / "in.mkv", sound="mp2")
    with av.open(str(source)) as container:
        packets = [bytes(packet) for packet in container.demux(audio=0) if packet.size]
    content = source.read_bytes()
    for number in (0, 9, 10):
        content = content.replace(packets[number], b"\xff" * len(packets[number]), 1)
    source.write_bytes(content)
    made = upscaled(source, tmp_path)
    with av.open(str(made.path)) as video:
        sound = [float(frame.pts * frame.time_base) for frame in video.decode(audio=0)]
    assert made.frames == 20 and sound == sorted(sound) and sound[-1] == pytest.approx(0.8, abs=0.1)
    assert "The sound is damaged at " in caplog.text and "packets of the sound are damaged" in caplog.text
