"""Memory that an upscale will need besides the weights, estimated before it starts."""

from __future__ import annotations

from ..config import UpscalerConfig
from ..video.settings import VideoSettings
from .background import TILE_PX
from .clip_writer import most_waiting
from .face_tracks import context_frames
from .settings import UpscaleSettings

FLOAT_BYTES, CHANNELS = 4, 3
# Frames of the result's size: the output, and space to resample it and to convert it to YCbCr.
FRAMES_IN_WORK = 3
# Copies of one face through a window: cut out, network input, network output, blended.
FACES_IN_WORK = 4
# A picture upscaler's feature maps, in multiples of a tile, as ComfyUI's upscale node reserves for them.
TILE_COPIES = 384
# Feature maps at the highest resolution that encoder or generator hold at once.
MAPS_IN_WORK = 6
# Encoder memory per pixel of an 8-bit picture, measured at 2304 to 4096 pixels a side; and of a 10-bit one.
ENCODER_BYTES = {"h264": 115, "h265": 115, "av1": 105}
ENCODER_BYTES_DEEP = 1.5


def working_bytes(width: int, height: int, settings: UpscaleSettings, network: UpscalerConfig, faces: int = 1) -> int:
    """On the device. width, height: of the source; a window of it is held as bytes and one frame as floats.

    faces: in view at once. They are restored one after another. Held together are only the results, and what the next
    window needs again of the encoder.
    """
    sources = width * height * CHANNELS * (settings.window_frames + FLOAT_BYTES)
    results = FRAMES_IN_WORK * settings.width_px * settings.height_px * CHANNELS * FLOAT_BYTES
    window = settings.window_frames * network.side_px**2 * CHANNELS * FLOAT_BYTES
    kept = _kept_bytes(settings, network)
    features = settings.window_frames * kept + FLOAT_BYTES * MAPS_IN_WORK * network.side_px**2 * network.widths[0]
    others = (faces - 1) * (window + settings.overlap_frames * kept)
    return sources + results + window * FACES_IN_WORK + features + others


def host_bytes(width: int, height: int, settings: UpscaleSettings, video_settings: VideoSettings) -> int:
    """In main memory: the source's frames as read, finished frames in the queue, and the encoder."""
    held = settings.window_frames + context_frames(settings) + 2 + most_waiting(width * height * CHANNELS)
    bytes_a_sample = 1 if video_settings.bit_depth == 8 else 2
    planes = settings.width_px * settings.height_px * 3 // 2 * bytes_a_sample
    waiting = most_waiting(planes) * planes + planes  # and the one being copied
    return (
        held * width * height * CHANNELS
        + waiting
        + encoder_bytes(settings.width_px, settings.height_px, video_settings)
    )


def drawn_bytes(width: int, height: int, scale: float) -> float:
    """A frame of width x height enlarged by a picture upscaler, and the blending weights of its tiles."""
    return width * height * scale**2 * (CHANNELS + 1) * FLOAT_BYTES


def tile_bytes(scale: float) -> float:
    """A picture upscaler with factor `scale` on a tile of TILE_PX, by ComfyUI's own estimate."""
    return TILE_PX**2 * CHANNELS * FLOAT_BYTES * max(scale, 1.0) * TILE_COPIES


def encoder_bytes(width: int, height: int, settings: VideoSettings) -> int:
    """Approximate size of the encoder, in main memory."""
    deep = ENCODER_BYTES_DEEP if settings.bit_depth > 8 else 1.0
    return round(width * height * ENCODER_BYTES[settings.codec] * deep)


def _kept_bytes(settings: UpscaleSettings, network: UpscalerConfig) -> int:
    """Of the encoder's features for one frame of a face, what the fusion needs."""
    if settings.fidelity == 0:
        return 0
    sides = {network.side_px >> level: width for level, width in enumerate(network.widths)}
    return FLOAT_BYTES * sum(side**2 * sides[side] for side in network.fused_sides)
