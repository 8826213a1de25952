"""A figure beside its target, and beside what the truth reaches, measured in the same way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Figure:
    """truth: of drawn frames; through_vae: of drawn frames after the VAE. None: has no meaning there."""

    name: str
    value: float
    least: float = -math.inf  # the target
    most: float = math.inf
    truth: float | None = None
    through_vae: float | None = None

    @property
    def has_target(self) -> bool:
        return math.isfinite(self.least) or math.isfinite(self.most)

    @property
    def is_reached(self) -> bool:
        return self.least <= self.value <= self.most

    @property
    def target(self) -> str:
        if math.isfinite(self.least) and math.isfinite(self.most):
            return f"{self.least:g} to {self.most:g}"
        if math.isfinite(self.least):
            return f">= {self.least:g}"
        return f"<= {self.most:g}" if math.isfinite(self.most) else ""

    def as_json(self) -> dict[str, object]:
        numbers = {key: value for key, value in asdict(self).items() if value is not None and value == value}
        finite = {key: v for key, v in numbers.items() if not isinstance(v, float) or math.isfinite(v)}
        return finite | ({"reached": self.is_reached} if self.has_target else {})


def table(figures: Sequence[Figure]) -> str:
    rows = [("", "measured", "target", "", "truth", "truth through VAE")]
    for figure in figures:
        verdict = ("reached" if figure.is_reached else "MISSED") if figure.has_target else ""
        cells = (_cell(figure.value), figure.target, verdict, _cell(figure.truth), _cell(figure.through_vae))
        rows.append((figure.name, *cells))
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) if not place else cell.rjust(width) for place, (cell, width) in
                  enumerate(zip(row, widths, strict=True))).rstrip()
        for row in rows
    )  # fmt: skip


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
