"""Upscales a stream of frames: faces are restored in temporal windows, the rest by `background`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace

import torch
from torch import Tensor

from ..memory_retry import attempts
from ..models.upscaler.upscaler import Upscaler
from ..portrait.face_analysis import FaceFinder
from ..runtime import Runtime
from .background import Background, resample
from .clip_writer import most_waiting
from .face_crop import cut_face, paste_face
from .face_detections import as_float
from .face_tracks import TrackedFrame, context_frames, track_faces
from .read_ahead import read_ahead
from .restore_faces import SHORTAGE_ADVICE, FaceRestorer, RestoredFace
from .settings import UpscaleSettings
from .windows import Window, WindowGrid, cut_windows

Faces = dict[tuple[int, int], RestoredFace]  # by (track number, frame number)


@torch.inference_mode()
def upscale_frames(
    frames: Iterable[Tensor],
    upscaler: Upscaler,
    faces: FaceFinder | None,
    settings: UpscaleSettings,
    runtime: Runtime,
    background: Background = resample,
    start: int = 0,
) -> Iterator[Tensor]:
    """Yield every frame from `start` on, in order: (height_px width_px 3), 0..1, on the `drawing_device`.

    frames: (h w 3), uint8 or 0..1, all of one size; the first has the number `first_frame_needed(start, settings)`, so
    that frames are bit-identical wherever a video is resumed.
    faces: None leaves them to `background`.

    Holds a window of input frames and their faces; nothing that grows with the video's length. A second thread reads
    frames and finds the faces of the next window.
    """
    grid, device = _grid(settings), drawing_device(runtime.device)
    restore, side_px = FaceRestorer(upscaler, settings.fidelity, runtime, device), upscaler.config.side_px
    first_window = grid.first_start(start)
    tracked = track_faces(frames, faces, settings, first_frame_needed(start, settings))
    tracked = (frame for frame in tracked if frame.index >= first_window)
    carried: Faces = {}  # of frames that the next window includes too
    uploaded: dict[int, TrackedFrame] = {}
    with closing(read_ahead(tracked, lambda frame: most_waiting(frame.picture.nbytes))) as ahead:
        for window in cut_windows(ahead, grid, first_window):
            items = tuple(uploaded.get(frame.index) or _uploaded(frame, device) for frame in window.items)
            window, uploaded = replace(window, items=items), {frame.index: frame for frame in items}
            finished = window.end if window.is_last else window.start + grid.step
            restored = _restored_faces(window, carried, finished, restore, side_px, settings)
            restored = _faded(carried, restored, window, grid)
            carried = {key: face for key, face in restored.items() if key[1] >= finished}
            for frame in window.items:
                if start <= frame.index < finished:
                    runtime.check_cancelled()
                    yield _composed(frame, restored, settings, background, runtime)


def first_frame_needed(start: int, settings: UpscaleSettings) -> int:
    """The frame to read from, so that frame `start` is the same as if the video were read from its beginning."""
    return max(_grid(settings).first_start(start) - context_frames(settings), 0)


def drawing_device(device: torch.device) -> torch.device:
    """Where frames are resampled, pasted and converted: the runtime's CUDA device, else the CPU. Other devices lack
    bicubic kernels."""
    return device if device.type == "cuda" else torch.device("cpu")


def _uploaded(frame: TrackedFrame, device: torch.device) -> TrackedFrame:
    """uint8 input is uploaded as bytes: a quarter of the size of floats."""
    if device.type == "cpu":
        return frame
    return replace(frame, picture=frame.picture.pin_memory().to(device, non_blocking=True))


def _grid(settings: UpscaleSettings) -> WindowGrid:
    return WindowGrid(settings.window_frames, settings.overlap_frames)


def _restored_faces(
    window: Window[TrackedFrame],
    carried: Faces,
    finished: int,
    restore: FaceRestorer,
    side_px: int,
    settings: UpscaleSettings,
) -> Faces:
    """Each track's part of the window, restored; parts that a neighboring window covers as well are left to it.

    carried: what they have encoded is used again.  finished: from this frame on, encoded faces are kept for that.
    """
    restored: Faces = {}
    for number in sorted({number for frame in window.items for number in frame.faces}):
        part = [frame for frame in window.items if number in frame.faces]
        next_sees_all = not window.is_last and part[0].index >= window.end - settings.overlap_frames
        done_already = all((number, frame.index) in carried for frame in part)
        if next_sees_all or done_already:
            continue
        keys = [(number, frame.index) for frame in part]
        face = [
            carried[key].encoded if key in carried else cut_face(as_float(frame.picture), frame.faces[number], side_px)
            for key, frame in zip(keys, part, strict=True)
        ]
        for key, result in zip(keys, restore(face), strict=True):
            restored[key] = result if key[1] >= finished else replace(result, encoded=None)
    return restored


def _faded(carried: Faces, restored: Faces, window: Window[TrackedFrame], grid: WindowGrid) -> Faces:
    """Faces that the previous window has too are blended."""
    merged = carried | restored
    for key in carried.keys() & restored.keys():
        picture = torch.lerp(carried[key].picture, restored[key].picture, grid.fade(key[1], window.start))
        merged[key] = replace(restored[key], picture=picture)
    return merged


def _composed(
    frame: TrackedFrame, restored: Faces, settings: UpscaleSettings, background: Background, runtime: Runtime
) -> Tensor:
    for attempt in attempts(runtime, SHORTAGE_ADVICE):
        with attempt:
            canvas = _drawn(frame, restored, settings, background)
    return canvas


def _drawn(frame: TrackedFrame, restored: Faces, settings: UpscaleSettings, background: Background) -> Tensor:
    picture = as_float(frame.picture)
    canvas = background(picture, settings.height_px, settings.width_px).to(picture.device)
    if canvas is picture:
        canvas = picture.clone()
    scale = (settings.width_px / picture.shape[1], settings.height_px / picture.shape[0])
    for number, square in sorted(frame.faces.items()):
        paste_face(canvas, restored[number, frame.index].picture, square, scale)
    return canvas
