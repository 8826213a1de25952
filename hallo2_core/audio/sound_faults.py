"""What is wrong with the sound of a file, found while it is decoded."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from ..errors import AudioError

logger = logging.getLogger("hallo2")


@dataclass
class SoundFaults:
    """name: of the file. damaged: how many packets cannot be decoded, the first at `damaged_at` seconds."""

    name: str
    damaged: int = 0
    damaged_at: float = 0.0

    def add_damage(self, seconds: float) -> None:
        """One more packet that cannot be decoded. seconds: of sound before it."""
        if not self.damaged:
            self.damaged_at = seconds
        self.damaged += 1

    def add_gap(self, start: float, stop: float) -> None:
        """Packets are missing, in seconds of the sound. Logs it at once."""
        logger.warning("%s has no sound from %.2f to %.2f s; it is silent there.", self.name, start, stop)

    def tell(self) -> None:
        """Logs the damage, if there is any."""
        if self.damaged:
            logger.warning("%s is damaged at %s: what cannot be decoded is silent.", self.name, self._place())

    def check(self) -> None:
        """Errors: AudioError if packets cannot be decoded."""
        if self.damaged:
            raise AudioError(
                f"{self.name} is damaged at {self._place()}. If it plays elsewhere, convert it to a WAV file; "
                f"otherwise download or copy it again."
            )

    def _place(self) -> str:
        more = f" and in {self.damaged} packets in all" if self.damaged > 1 else ""
        return f"{self.damaged_at:.2f} s{more}"
