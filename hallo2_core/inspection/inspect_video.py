"""A video file → its report, its plot, and every frame's measures as CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from PIL import Image

from ..animation.motion_settings import ClipConfig
from ..errors import VideoError
from ..payloads import Portrait
from ..portrait.face_analysis import FaceFinder
from ..runtime import Runtime
from ..storage.advice import advice_for
from ..video.metadata import Record, read_record
from ..video.reader import probe, read_frames
from ..video.source import VideoSource
from .drift import FrameMeasures, measure_frames
from .plots import draw_curves
from .record_text import record_text
from .report import DriftReport, DriftSummary

COLUMNS = ("frame", "seconds", "is_seam", "change", "similarity", "sharpness", "colour_drift", "identity")


@dataclass(frozen=True)
class Inspection:
    report: DriftReport
    plot: Image.Image
    record: Record | None  # what the file says about how it was made
    text: str  # the report and the record


def inspect_video(
    source: VideoSource,
    portrait: Portrait | None,
    runtime: Runtime,
    clip_frames: int = ClipConfig().frames,
    faces: FaceFinder | None = None,
    table: Path | None = None,
) -> Inspection:
    """Read the video once, frame by frame; memory does not grow with its length.

    portrait, clip_frames, faces: see `measure_frames`. table: path of the CSV file, which must not exist yet.
    Errors: VideoError, SettingsError.
    """
    info = probe(source)
    fps = info.nominal_fps
    summary = DriftSummary(clip_frames)
    with _rows(table, fps) as write:
        for measures in measure_frames(read_frames(source), portrait, clip_frames, runtime, faces):
            summary.add(measures)
            write(measures)
            runtime.progress(summary.frames, max(info.expected_frames, summary.frames))
    report = summary.report()
    record = read_record(source)
    return Inspection(report, draw_curves(summary, fps), record, f"{report.text(fps)}\n{record_text(record)}")


@contextmanager
def _rows(path: Path | None, fps: Fraction) -> Iterator[Callable[[FrameMeasures], None]]:
    """A function that writes a frame's row; does nothing without a path. After an error, no partial table remains."""
    if path is None:
        yield lambda measures: None
        return
    try:
        with path.open("x", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            yield lambda measures: writer.writerow(_row(measures, fps))
    except FileExistsError as error:
        raise VideoError(f"{path} exists already and is not overwritten. Choose another name.") from error
    except OSError as error:
        path.unlink(missing_ok=True)
        raise VideoError(f"{path} cannot be written: {error.strerror or error}. {advice_for(error)}") from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _row(measures: FrameMeasures, fps: Fraction) -> list[str]:
    numbers = [getattr(measures, name) for name in COLUMNS[3:]]
    seconds = f"{float(measures.frame / fps):.3f}"
    return [
        str(measures.frame),
        seconds,
        str(int(measures.is_seam)),
        *("" if number is None else f"{number:.5g}" for number in numbers),
    ]
