"""Decodes packets of sound or pictures, of which some may be damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av

if TYPE_CHECKING:
    from av.packet import Packet


def frames_in(packet: Packet) -> list[av.VideoFrame | av.AudioFrame] | None:
    """What the decoder gives for this packet; None if it cannot be decoded."""
    try:
        return packet.decode()
    except (MemoryError, OSError):
        raise
    except av.FFmpegError:  # of many kinds: damage also looks like features that libavcodec does not have
        return None
