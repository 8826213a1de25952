"""Frames into one stream of packets: H.264, H.265 or AV1, 8 or 10 bits, the same bytes for the same frames."""

from __future__ import annotations

import os
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np
import torch
from torch import Tensor

from ..errors import VideoError, pip_install
from .colour import Planes, to_bytes_as_released, to_planes
from .encoder_options import OPTIONS, THREADS, encoder_options
from .rgb import BT709, LIMITED_RANGE
from .scheduling import keep_scheduling
from .settings import CODECS, PIXEL_FORMATS, VideoSettings

if TYPE_CHECKING:
    from av.container import OutputContainer

# How far pictures are decoded ahead of display, with any preset. x265 reports it itself, but randomly wrong by one or
# two frames.
REORDERED_FRAMES = {"h264": 2, "h265": 2, "av1": 0}


def encoder_version() -> str:
    """Clips of other versions or options may differ in their bytes and cannot share a stream."""
    return f"PyAV {av.__version__}, options {OPTIONS}"


def check_even_size(width: int, height: int) -> None:
    """Refuse odd sizes, which 4:2:0 video cannot hold."""
    if width < 2 or height < 2 or width % 2 or height % 2:
        raise VideoError(
            f"The frames are {width}x{height}; a video's width and height must be even. Crop or pad them by one pixel, "
            f"for example to {max(2, width + width % 2)}x{max(2, height + height % 2)}."
        )


class FrameEncoder:
    """One video stream of an open container: constant frame rate, closed groups of pictures, BT.709.

    first_frame: the number of the first one, which gives it its time.
    """

    def __init__(
        self,
        container: OutputContainer,
        width: int,
        height: int,
        fps: Fraction,
        settings: VideoSettings,
        first_frame: int = 0,
    ) -> None:
        check_even_size(width, height)
        self.width, self.height, self.settings = width, height, settings
        self.frames = self._packets = first_frame
        self._container = container
        self._time_base = 1 / Fraction(fps)
        if settings.codec == "av1":
            os.environ.setdefault("SVT_LOG", "0")  # otherwise it writes its settings to stderr for every clip
        try:
            self._stream = container.add_stream(
                CODECS[settings.codec], rate=Fraction(fps), options=encoder_options(settings, min(width, height), fps)
            )
        except av.codec.codec.UnknownCodecError:
            raise VideoError(
                f"This PyAV {av.__version__} was built without {CODECS[settings.codec]}. Install PyAV's own wheel: "
                f"{pip_install('--force-reinstall', '--no-deps', 'av')}; or choose another codec."
            ) from None
        self._stream.width, self._stream.height = width, height
        self._stream.pix_fmt = PIXEL_FORMATS[settings.bit_depth]
        context = self._stream.codec_context
        context.time_base = self._time_base
        context.thread_count = THREADS
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = LIMITED_RANGE
        if settings.codec == "h265":
            context.codec_tag = "hvc1"  # Apple's players refuse libavformat's default hev1
        try:
            with keep_scheduling():
                context.open()
        except av.FFmpegError as error:
            is_lossless_av1 = settings.codec == "av1" and settings.quality == 0
            choice = "Choose quality 1, or a newer PyAV: old ones have no lossless AV1." if is_lossless_av1 else (
                "Choose another size or codec."
            )  # fmt: skip
            raise VideoError(
                f"The {settings.codec} encoder refuses {width}x{height} at {fps} frames a second ({error.strerror}). "
                f"{choice}"
            ) from error

    @property
    def seconds(self) -> Fraction:
        """Duration of the frames written so far."""
        return self.frames * self._time_base

    def write(self, frames: Tensor) -> None:
        """frames: (f h w 3), 0..1 or uint8."""
        if frames.ndim != 4 or tuple(frames.shape[1:]) != (self.height, self.width, 3):
            raise VideoError(
                f"Frames of shape {tuple(frames.shape)} were given to a video of {self.width}x{self.height}; expected "
                f"(frames, {self.height}, {self.width}, 3)."
            )
        bit_depth = self.settings.bit_depth
        for frame in frames:
            frame = frame.detach().cpu()
            if bit_depth == 8 and frame.dtype != torch.uint8:
                frame = to_bytes_as_released(frame)
            self.write_planes(to_planes(frame, bit_depth))

    def write_planes(self, planes: Planes) -> None:
        """One converted frame. planes: on the CPU, of this stream's size and bit depth."""
        self._mux(self._picture(planes))
        self.frames += 1

    def close(self) -> None:
        """Flush the frames that the encoder still holds."""
        self._mux(None)

    def _mux(self, picture: av.VideoFrame | None) -> None:
        for packet in self._stream.encode(picture):
            packet.duration = 1
            if self.settings.codec == "h265":
                packet.dts = self._packets - REORDERED_FRAMES["h265"]
            self._packets += 1
            self._container.mux(packet)

    def _picture(self, planes: Planes) -> av.VideoFrame:
        bit_depth = self.settings.bit_depth
        picture = av.VideoFrame(self.width, self.height, PIXEL_FORMATS[bit_depth])
        dtype = np.uint8 if bit_depth == 8 else np.dtype("<u2")
        for plane, numbers in zip(picture.planes, planes.split(), strict=True):
            rows = np.frombuffer(plane, dtype).reshape(plane.height, -1)  # rows are padded at the end
            rows[:, : plane.width] = numbers.numpy()
        picture.colorspace, picture.color_range = BT709, LIMITED_RANGE
        picture.pts, picture.time_base = self.frames, self._time_base
        return picture
