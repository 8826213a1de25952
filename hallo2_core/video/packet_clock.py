"""One clock for all packets of a stream: where two recordings were joined, their times jump."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.packet import Packet

JUMP_BACK_SECONDS = Fraction(1, 10)  # shorter steps back are rounding of times
LONGEST_GAP_SECONDS = 600  # longer ones are a jump of the clock


class PacketClock:
    """Packets come in decoding order, in which their times never go back. Where they do, the clock was set anew."""

    def __init__(self) -> None:
        self._shift = Fraction(0)
        self._begun: Fraction | None = None  # of the packet before, in seconds
        self._ends = Fraction(0)

    def mend(self, packet: Packet) -> Fraction | None:
        """Change the packet's times so that, after a jump, time goes on where it was. Returns where it jumped."""
        if packet.dts is None or not packet.time_base:
            shift(packet, self._shift)
            return None
        begins, jumped_at = packet.dts * packet.time_base + self._shift, None
        if self._begun is not None:
            if not self._begun - JUMP_BACK_SECONDS < begins < self._ends + LONGEST_GAP_SECONDS:
                self._shift += self._ends - begins
                begins = jumped_at = self._ends
            step = begins - self._begun
        else:
            step = packet.time_base
        shift(packet, self._shift)
        self._begun = begins
        self._ends = begins + (packet.duration * packet.time_base if packet.duration else max(step, packet.time_base))
        return jumped_at


def begin_of(packet: Packet) -> Fraction | None:
    """When it is decoded, or shown if the file does not give that, in seconds."""
    time = packet.dts if packet.dts is not None else packet.pts
    return None if time is None or not packet.time_base else time * packet.time_base


def shift(packet: Packet, seconds: Fraction) -> None:
    """Move its times."""
    ticks = round(seconds / packet.time_base) if packet.time_base else 0
    if ticks:
        packet.pts = None if packet.pts is None else packet.pts + ticks
        packet.dts = None if packet.dts is None else packet.dts + ticks
