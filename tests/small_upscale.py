"""Small videos, upscaled on a CPU, and what is in the file that comes out."""

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np

from hallo2_core.jobs.job import Job
from hallo2_core.runtime import LocalRuntime
from hallo2_core.upscaling.job_key import Upscale, upscale_key
from hallo2_core.upscaling.render import upscale_video
from hallo2_core.upscaling.settings import UpscaleSettings
from hallo2_core.video.reader import read_frames
from hallo2_core.video.settings import VideoSettings

SETTINGS = UpscaleSettings(
    96, 64, window_frames=6, overlap_frames=2, missed_frames=2, smoothing_frames=0.5, detect_every_frames=2
)
FAST = VideoSettings(quality=10, preset="ultrafast")
RATE_HZ = 16000


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
