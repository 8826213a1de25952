"""What is fuzzed, by name."""

from __future__ import annotations

from .media import MEDIA
from .settings import SETTINGS
from .tables import TABLES
from .target import Target, outcome
from .texts import TEXTS
from .weights import WEIGHTS
from .work import WORK

__all__ = ["TARGETS", "Target", "outcome"]

TARGETS: dict[str, Target] = {target.name: target for target in (*TEXTS, *WORK, *WEIGHTS, *TABLES, *SETTINGS, *MEDIA)}
