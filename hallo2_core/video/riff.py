"""Whether an AVI file is whole. Its count of frames includes empty ones, which only show the one before on."""

from __future__ import annotations

from pathlib import Path

HEADER_BYTES = 8  # "RIFF" and the length of what follows


def is_whole_avi(path: Path) -> bool:
    """Whether the file has all bytes of its RIFF chunks; large files have several."""
    size, end = path.stat().st_size, 0
    with path.open("rb") as file:
        while end < size:
            file.seek(end)
            header = file.read(HEADER_BYTES)
            if header[:4] != b"RIFF":  # something behind the video
                return True
            end += HEADER_BYTES + int.from_bytes(header[4:], "little")
            end += end % 2
    return end <= size + 1  # of odd lengths, the last byte is often missing
