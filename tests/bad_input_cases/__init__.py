"""The cases of `bad_inputs.py`, a file an area."""

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
__all__ = ["AREAS", "Case", "Place", "Seen"]
