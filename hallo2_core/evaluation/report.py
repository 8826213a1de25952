"""An evaluation as a table on the screen, as CSV and JSON, and as one plot per video."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ..inspection.plots import TitledCurve, draw_panels
from .catalogue import FIGURES
from .evaluate_video import VideoFigures

MEAN, TOGETHER = "mean", "all videos"


@dataclass(frozen=True)
class Evaluation:
    videos: Mapping[str, VideoFigures]  # by name
    together: Mapping[str, float]  # distances between the two sets of videos

    @property
    def means(self) -> Mapping[str, float]:
        """Over the videos that have the figure."""
        names = {name: None for video in self.videos.values() for name in video.figures}
        found = {name: [v.figures[name] for v in self.videos.values() if name in v.figures] for name in names}
        return {name: sum(values) / len(values) for name, values in found.items()}

    def rows(self) -> list[tuple[str, Mapping[str, float]]]:
        """A row per video; for several, their mean; the distances between sets last."""
        rows = [(name, video.figures) for name, video in self.videos.items()]
        if len(rows) > 1:
            rows.append((MEAN, self.means))
        if self.together:
            rows.append((TOGETHER, self.together))
        return rows

    def columns(self) -> list[str]:
        """In the catalogue's order."""
        measured = {name for _, figures in self.rows() for name in figures}
        return [name for name in FIGURES if name in measured]

    def text(self) -> str:
        """The table, and a line on how to read each column."""
        columns = self.columns()
        cells = [["video", *columns]]
        cells += [[name, *(_cell(figures.get(column)) for column in columns)] for name, figures in self.rows()]
        widths = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
        lines = [
            "  ".join(
                [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
            ).rstrip()
            for row in cells
        ]
        return "\n".join([*lines, "", *(f"{name}: {FIGURES[name].title} ({FIGURES[name].best})" for name in columns)])

    def as_json(self) -> dict[str, object]:
        return {
            "videos": {
                name: {"frames": video.frames, "seconds": round(video.seconds, 3), **video.figures}
                for name, video in self.videos.items()
            },
            "mean": dict(self.means),
            "together": dict(self.together),
        }

    def write_csv(self, path: Path) -> None:
        columns = self.columns()
        with path.open("x", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["video", *columns])
            for name, figures in self.rows():
                writer.writerow([name, *(f"{figures[c]:.6g}" if c in figures else "" for c in columns)])


def draw_video(video: VideoFigures) -> Image.Image:
    """A panel per curve, over the length of the video."""
    panels = [
        TitledCurve(FIGURES[name].title, video.curves[name], video.curves.get("seams") if name == "change" else None)
        for name in FIGURES
        if name in video.curves
    ]
    return draw_panels(panels, video.frames, video.fps)


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
