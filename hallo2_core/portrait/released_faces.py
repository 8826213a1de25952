"""The released face models, run with onnxruntime: SCRFD detects faces, glintr100 computes the identity embedding.

Sizes, thresholds and the template are those of insightface, which the release uses. The files are for non-commercial
research only; see NOTICE.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from numpy.typing import NDArray
from torch import Tensor

from ..checkpoints.onnx_session import open_session
from ..errors import CheckpointError
from . import similarity
from .face_analysis import IDENTITY_WIDTH, FaceAnalysis, built_in_detector, built_in_landmarker
from .face_detection import Detection, overlap

DETECTOR_FILE = "scrfd_10g_bnkps.onnx"
RECOGNISER_FILE = "glintr100.onnx"

DETECTOR_SIDE_PX = 640
STRIDES = (8, 16, 32)
ANCHORS = 2
MIN_SCORE = 0.5
SAME_FACE_IOU = 0.4

RECOGNISER_SIDE_PX = 112
# The five points of an aligned face, in pixels with integer centers.
TEMPLATE = ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))


def released_face_analysis(detector: Path, recogniser: Path, provider: str = "cpu") -> FaceAnalysis:
    """SCRFD and glintr100 from their files; landmarks come from the built-in FaceMesh.

    provider: a key of PROVIDERS. Raises MissingDependencyError, CheckpointError or SettingsError.
    """
    return FaceAnalysis(
        detector=ScrfdDetector(_open(detector, provider)),
        landmarker=built_in_landmarker(),
        recogniser=ArcFaceRecogniser(_open(recogniser, provider)),
        fallback=built_in_detector(),
    )


def _open(path: Path, provider: str) -> Any:  # noqa: ANN401 - an onnxruntime session
    return open_session(path, provider, "face", "choose the built-in face analysis")


class ScrfdDetector:
    """SCRFD with five points per face (`scrfd_10g_bnkps.onnx`)."""

    def __init__(self, session: Any) -> None:  # noqa: ANN401 - an onnxruntime session
        outputs = len(session.get_outputs())
        if outputs != 3 * len(STRIDES):
            raise CheckpointError(
                f"The face detector has {outputs} outputs; scores, boxes and five points at {len(STRIDES)} strides "
                f"were expected. Choose {DETECTOR_FILE}."
            )
        self.session = session

    def detect(self, picture: Tensor) -> list[Detection]:
        """picture: (3 h w), RGB in 0..1. It is fitted into the top left of a 640×640 square, padded with black."""
        height, width = picture.shape[1:]
        ratio, side = height / width, DETECTOR_SIDE_PX
        small = (side, max(int(side / ratio), 1)) if ratio > 1 else (max(int(side * ratio), 1), side)
        back = height / small[0]  # as in the original: the height's factor for both axes
        resized = F.interpolate(picture.unsqueeze(0), small, mode="bilinear")
        square = F.pad(resized, (0, side - small[1], 0, side - small[0]))
        outputs = self.session.run(None, {self.session.get_inputs()[0].name: _as_input(square, 128.0)})
        found: list[Detection] = []
        for scores, boxes, points, stride in _by_stride(outputs):
            cell = torch.arange(side // stride) * float(stride)
            y, x = torch.meshgrid(cell, cell, indexing="ij")
            anchors = rearrange(torch.stack([x, y]), "xy h w -> (h w) xy").repeat_interleave(ANCHORS, dim=0)
            for i in (scores >= MIN_SCORE).nonzero()[:, 0].tolist():
                box = torch.cat([anchors[i] - boxes[i, :2] * stride, anchors[i] + boxes[i, 2:] * stride])
                five = anchors[i] + rearrange(points[i], "(n xy) -> n xy", xy=2) * stride
                # SCRFD's pixel centers are integers, ours are at half pixels.
                found.append(Detection(box * back + 0.5, float(scores[i]), five * back + 0.5))
        return _strongest(found)


class ArcFaceRecogniser:
    """glintr100: a 512-d embedding of a face aligned to 112×112."""

    def __init__(self, session: Any) -> None:  # noqa: ANN401 - an onnxruntime session
        shape = session.get_outputs()[0].shape
        if shape[-1] != IDENTITY_WIDTH:
            raise CheckpointError(
                f"The face recognizer's output has shape {shape}; {IDENTITY_WIDTH} values were expected. "
                f"Choose {RECOGNISER_FILE}."
            )
        self.session = session

    def embed(self, picture: Tensor, five_points: Tensor) -> Tensor:
        face = straightened(picture, five_points).unsqueeze(0)
        (embedding,) = self.session.run(None, {self.session.get_inputs()[0].name: _as_input(face, 127.5)})
        return rearrange(torch.from_numpy(embedding).float(), "1 d -> d")


def straightened(picture: Tensor, five_points: Tensor) -> Tensor:
    """(3 112 112): the face of picture (3 h w), rotated and scaled so that its five points match the template."""
    to_template = similarity.fit(five_points, torch.tensor(TEMPLATE) + 0.5)
    return similarity.sample(picture, similarity.inverse(to_template), RECOGNISER_SIDE_PX, RECOGNISER_SIDE_PX)


def _as_input(pictures: Tensor, scale: float) -> NDArray[np.float32]:
    """pictures: 0..1 → 0..255, centered, divided by `scale`."""
    return ((pictures * 255.0 - 127.5) / scale).numpy()


def _by_stride(outputs: Sequence[NDArray[np.float32]]) -> list[tuple[Tensor, Tensor, Tensor, int]]:
    """Sort SCRFD's nine outputs: (scores (n), boxes (n 4), points (n 10), stride), by their shapes."""
    tables = [rearrange(torch.from_numpy(out), "... v -> (...) v") for out in outputs]
    found = []
    for stride in STRIDES:
        rows = ANCHORS * (DETECTOR_SIDE_PX // stride) ** 2
        mine = {table.shape[1]: table for table in tables if table.shape[0] == rows}
        if set(mine) != {1, 4, 10}:
            raise CheckpointError(
                f"The face detector's outputs have shapes {[tuple(table.shape) for table in tables]}; widths 1, 4 "
                f"and 10 with {rows} rows were expected at stride {stride}. Choose {DETECTOR_FILE}."
            )
        found.append((mine[1][:, 0], mine[4], mine[10], stride))
    return found


def _strongest(candidates: list[Detection]) -> list[Detection]:
    kept: list[Detection] = []
    for face in sorted(candidates, key=lambda face: face.score, reverse=True):
        if all(overlap(face.box, other.box) <= SAME_FACE_IOU for other in kept):
            kept.append(face)
    return kept
