"""What a run writes besides checkpoints: figures as JSON lines, sample videos as GIFs, and both in TensorBoard."""

from __future__ import annotations

import io
import json
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from einops import rearrange
from PIL import Image
from torch import Tensor

from ..errors import MissingDependencyError
from ..storage.durable import replace_file

logger = logging.getLogger("hallo2")
LOG_FILE, BOARD_FOLDER, VIDEO_FOLDER = "log.jsonl", "tensorboard", "samples"
FRAME_MILLISECONDS = 40  # 25 frames per second


class RunLog:
    """One JSON object per `logging_steps` steps, and one per validation."""

    def __init__(self, folder: Path | None, step: int, report_to: str = "none") -> None:
        """folder: None in processes that do not write. Errors: MissingDependencyError if TensorBoard is missing."""
        self._folder = folder
        self._sums: dict[str, Tensor] = {}
        self._steps = 0
        self._processor_seconds = time.process_time()
        self._board: Board | None = None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._board = Board(folder / BOARD_FOLDER, step) if report_to == "tensorboard" else None
            self._write(step, {"event": "start"})

    def add(self, figures: Mapping[str, Tensor]) -> None:
        """Adds on the device: a step that read its figures would wait for the device."""
        for key, value in figures.items():
            self._sums[key] = self._sums[key] + value if key in self._sums else value
        self._steps += 1

    def write(self, step: int) -> None:
        """The means since the last call, and the CPU seconds per step."""
        now = time.process_time()
        means = {key: round(float(total) / self._steps, 6) for key, total in self._sums.items()}
        means["processor_seconds"] = round((now - self._processor_seconds) / self._steps, 4)
        self._write(step, means)
        if self._board is not None:
            self._board.write_figures(step, {f"train/{key}": value for key, value in means.items()})
        self._sums, self._steps, self._processor_seconds = {}, 0, now

    def write_validation(self, step: int, figures: Mapping[str, float]) -> None:
        named = {f"validation/{key}": round(value, 6) for key, value in figures.items()}
        self._write(step, named)
        if self._board is not None:
            self._board.write_figures(step, named)

    def write_video(self, step: int, frames: Tensor) -> None:
        """frames: (f 3 h w), 0..1."""
        if self._folder is None:
            return
        content = animated_gif(frames)
        folder = self._folder / VIDEO_FOLDER
        folder.mkdir(exist_ok=True)
        replace_file(folder / f"step-{step:06d}.gif", content)
        if self._board is not None:
            self._board.write_picture(step, "sample", content, frames)

    def close(self) -> None:
        if self._board is not None:
            self._board.close()

    def _write(self, step: int, figures: Mapping[str, Any]) -> None:
        if self._folder is None:
            return
        line = {"step": step, **figures}
        with (self._folder / LOG_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps({**line, "time": round(time.time(), 1)}) + "\n")
        logger.info("%s", " ".join(f"{key} {value}" for key, value in line.items()))


class Board:
    """TensorBoard's event file. Its own way to add a video needs moviepy, and writes the same: a GIF as a picture."""

    def __init__(self, folder: Path, step: int) -> None:
        """step: where the run resumes; TensorBoard hides what a stopped run wrote after it."""
        try:
            from tensorboard.compat.proto import event_pb2, summary_pb2
            from torch.utils.tensorboard import FileWriter
        except ImportError as error:
            raise MissingDependencyError.of_extra(
                "report_to = 'tensorboard'", "tensorboard", "train", error, "choose report_to = 'none'"
            ) from error
        self._summary = summary_pb2.Summary
        self._writer = FileWriter(str(folder))
        start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
        self._writer.add_event(event_pb2.Event(session_log=start), step)

    def write_figures(self, step: int, figures: Mapping[str, float]) -> None:
        values = [self._summary.Value(tag=tag, simple_value=value) for tag, value in figures.items()]
        self._writer.add_summary(self._summary(value=values), step)
        self._writer.flush()

    def write_picture(self, step: int, tag: str, content: bytes, frames: Tensor) -> None:
        """content: an image file.  frames: (f 3 h w), for its size."""
        height, width = frames.shape[-2:]
        image = self._summary.Image(height=height, width=width, colorspace=3, encoded_image_string=content)
        self._writer.add_summary(self._summary(value=[self._summary.Value(tag=tag, image=image)]), step)
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


def animated_gif(frames: Tensor) -> bytes:
    """frames: (f 3 h w), 0..1."""
    pixels = rearrange((frames.clamp(0, 1) * 255).round().byte().cpu(), "f c h w -> f h w c").numpy()
    first, *others = (Image.fromarray(frame) for frame in pixels)
    buffer = io.BytesIO()
    first.save(buffer, "GIF", save_all=True, append_images=others, duration=FRAME_MILLISECONDS, loop=0)
    return buffer.getvalue()
