"""What an upscale will need beside the weights, said before it starts."""

from __future__ import annotations

from ..config import UpscalerConfig
from ..video.settings import VideoSettings
from .background import TILE_PX
from .clip_writer import most_waiting
from .face_tracks import context_frames
from .settings import UpscaleSettings

FLOAT_BYTES, CHANNELS = 4, 3
# Of the result's size: the frame that is made, and room to resample it and to convert it to the video's numbers.
FRAMES_IN_WORK = 3
# Of one face through a window: as cut out, as given to the network, as drawn, as it is faded.
FACES_IN_WORK = 4
# A picture upscaler's feature maps, in tiles of the result's size, as ComfyUI's upscale node reserves for them.
TILE_COPIES = 384
# Feature maps of the widest level's size that are alive inside encoder or generator at once.
MAPS_IN_WORK = 6
# What an encoder holds for each pixel of a picture in 8 bits, measured at 2304 to 4096 pixels a side; and in 10 bits.
ENCODER_BYTES = {"h264": 115, "h265": 115, "av1": 60}
ENCODER_BYTES_DEEP = 1.5


def working_bytes(width: int, height: int, settings: UpscaleSettings, network: UpscalerConfig, faces: int = 1) -> int:
    """On the device. width, height: of the source, of which a window is there as bytes and one frame as floats.

    faces: how many are seen at once. They pass the network one after another; only their results are held together.
    """
    sources = width * height * CHANNELS * (settings.window_frames + FLOAT_BYTES)
    results = FRAMES_IN_WORK * settings.width_px * settings.height_px * CHANNELS * FLOAT_BYTES
    window = settings.window_frames * network.side_px**2 * CHANNELS * FLOAT_BYTES
    return sources + results + window * (FACES_IN_WORK + faces - 1) + _features(settings, network)


def host_bytes(width: int, height: int, settings: UpscaleSettings, video_settings: VideoSettings) -> int:
    """In the machine's own memory: the source's frames as they were read, finished ones that wait, and the encoder."""
    held = settings.window_frames + context_frames(settings) + 2
    bytes_a_sample = 1 if video_settings.bit_depth == 8 else 2
    planes = settings.width_px * settings.height_px * 3 // 2 * bytes_a_sample
    waiting = most_waiting(planes) * planes + planes  # and the one on its way there
    return (
        held * width * height * CHANNELS
        + waiting
        + encoder_bytes(settings.width_px, settings.height_px, video_settings)
    )


def drawn_bytes(width: int, height: int, scale: float) -> float:
    """What a frame of width x height takes that a picture upscaler has enlarged, and the weights of its tiles."""
    return width * height * scale**2 * (CHANNELS + 1) * FLOAT_BYTES


def tile_bytes(scale: float) -> float:
    """What a picture upscaler that enlarges `scale` times needs for a tile of TILE_PX: ComfyUI's own estimate."""
    return TILE_PX**2 * CHANNELS * FLOAT_BYTES * max(scale, 1.0) * TILE_COPIES


def encoder_bytes(width: int, height: int, settings: VideoSettings) -> int:
    """About what the encoder takes, in the machine's own memory."""
    deep = ENCODER_BYTES_DEEP if settings.bit_depth > 8 else 1.0
    return round(width * height * ENCODER_BYTES[settings.codec] * deep)


def _features(settings: UpscaleSettings, network: UpscalerConfig) -> int:
    """What the fusion keeps of every frame of a window, and what one frame needs while it passes."""
    kept = 0
    if settings.fidelity > 0:
        sides = {network.side_px >> level: width for level, width in enumerate(network.widths)}
        kept = settings.window_frames * sum(side**2 * sides[side] for side in network.fused_sides)
    return FLOAT_BYTES * (kept + MAPS_IN_WORK * network.side_px**2 * network.widths[0])
