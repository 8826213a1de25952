"""Measured results, kept as files: what is there is not measured again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from quality.provenance import fingerprints, today

from hallo2_core.storage.durable import replace_file


@dataclass(frozen=True)
class Result:
    settings: Mapping[str, Any]
    weights: Mapping[str, str]  # as `fingerprints` gives them
    figures: Mapping[str, Any]
    measured: str  # date, as 2026-11-26
    processor_seconds: float


class KeptResults:
    """`NAME.json` in a folder for each result, written when its pictures are complete."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder

    def result(
        self,
        name: str,
        settings: Mapping[str, Any],
        weights: Iterable[Path],
        measure: Callable[[], Mapping[str, Any]],
    ) -> Result:
        """The kept result if it has these settings and weights, else a new one.

        measure: returns JSON values; its pictures are written before it returns.
        """
        path = self.folder / f"{name}.json"
        asked = {"settings": settings, "weights": fingerprints(weights)}
        if path.is_file():
            kept = json.loads(path.read_text(encoding="utf-8"))
            if {key: kept[key] for key in asked} == json.loads(json.dumps(asked)):
                return Result(**kept)
        began = time.process_time()
        figures = measure()
        seconds = round(time.process_time() - began, 1)
        result = Result(figures=figures, measured=today(), processor_seconds=seconds, **asked)
        replace_file(path, json.dumps(asdict(result), indent=1).encode())
        return result
