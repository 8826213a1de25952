"""Files of which a large part is zeros: a download reserved the space and did not finish."""

from __future__ import annotations

from pathlib import Path

from ..errors import CheckpointError

SAMPLES, SAMPLE_BYTES = 256, 4096
# Trained weights have almost no run of zeros this long. In a model that has just begun to train, whole layers are
# still zero: the output convolutions of adapters and fusion blocks, about a tenth of the upscaler.
MOST_ZERO_SAMPLES = SAMPLES // 4


def zeros_problem(path: Path) -> str:
    """What to say of such a file; empty for others. Looks at samples, evenly spread over the file."""
    size = path.stat().st_size
    if size < SAMPLES * SAMPLE_BYTES:
        return ""
    zeros = 0
    with path.open("rb") as file:
        for index in range(SAMPLES):
            file.seek(size * index // SAMPLES)
            zeros += not any(file.read(SAMPLE_BYTES))
    if zeros <= MOST_ZERO_SAMPLES:
        return ""
    return f"about {zeros / SAMPLES:.0%} of it is zeros: the download did not finish. Download it again"


def check_filled(path: Path) -> None:
    """Errors: CheckpointError for such a file."""
    if problem := zeros_problem(path):
        raise CheckpointError(f"{path.name} is damaged: {problem} to {path.parent}.")
