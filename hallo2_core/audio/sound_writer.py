"""Writes a sound file piece by piece: WAV (RF64 beyond 4 GB) or FLAC, 16 bit."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import torch
from einops import rearrange
from torch import Tensor

from ..errors import AudioError
from ..storage.advice import advice_for
from ..storage.durable import replacing

CODECS = {".wav": "pcm_s16le", ".flac": "flac"}
OPTIONS = {".wav": {"rf64": "auto"}, ".flac": {}}
LAYOUTS = {1: "mono", 2: "stereo"}
FULL_SCALE = 2**15


def check_sound_target(path: Path) -> None:
    """Before the work starts. Errors: AudioError for another format or an existing file."""
    if path.suffix.lower() not in CODECS:
        raise AudioError(f"The sound's name is {path.name}; it must end in {' or '.join(CODECS)}.")
    if path.exists():
        raise AudioError(f"{path} exists already and is not overwritten. Choose another name.")
    if not path.parent.is_dir():
        raise AudioError(f"There is no folder {path.parent}. Create it first.")


def write_sound(path: Path, rate_hz: int, channels: int, pieces: Iterable[Tensor]) -> None:
    """pieces: (c t) each, one after the other, full scale is 1. The file appears once it is complete.

    Errors: AudioError, as `check_sound_target`, and if it cannot be written.
    """
    import av

    check_sound_target(path)
    kind = path.suffix.lower()
    try:
        with (
            replacing(path) as part,
            av.open(str(part.absolute()), "w", format=kind[1:], options=OPTIONS[kind]) as container,
        ):
            stream = container.add_stream(CODECS[kind], rate=rate_hz, layout=LAYOUTS[channels])
            for piece in pieces:
                samples = (piece * FULL_SCALE).round().clamp(-FULL_SCALE, FULL_SCALE - 1).to(torch.int16)
                packed = rearrange(samples, "c t -> 1 (t c)").numpy()
                frame = av.AudioFrame.from_ndarray(packed, format="s16", layout=LAYOUTS[channels])
                frame.sample_rate = rate_hz
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    except OSError as error:  # av's errors about files included
        raise AudioError(f"{path} cannot be written: {error.strerror or error}. {advice_for(error)}") from error
