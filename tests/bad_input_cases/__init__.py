"""The cases of `bad_inputs.py`, a file an area."""

import os

from . import audio, graphs, paths, portrait, settings, video, weights
from .case import Case, Place, Seen

AREAS = {
    "audio": audio.CASES,
    "portrait": portrait.CASES,
    "video": video.CASES,
    "weights": weights.CASES,
    "settings": settings.CASES,
    "paths": paths.CASES,
    "graphs": graphs.CASES,
}
# Windows has no pipes among its files, refuses these names itself, and links only for administrators.
POSIX_ONLY = {
    "pipe", "net.pth: pipe", "net_g.pth: pipe", "--out 12:31.mp4", "the portrait's name has a colon",
    "the voice's name has a colon", "a name that acts on the terminal", "the portrait is a link to nowhere",
    "--out below what cannot be",
}  # fmt: skip
if os.name != "posix":
    AREAS = {area: [case for case in cases if case.name not in POSIX_ONLY] for area, cases in AREAS.items()}
__all__ = ["AREAS", "Case", "Place", "Seen"]
