"""Faces in a picture: box, landmarks and, with the released recognizer, the identity embedding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from einops import rearrange
from safetensors.torch import load_file
from torch import Tensor, nn

from ..models.blazeface import BlazeFace
from ..models.facemesh import FaceMesh
from .face_detection import BlazeFaceDetector, FaceDetector, overlap
from .face_landmarks import LEFT_EYE_CORNER, RIGHT_EYE_CORNER, FaceLandmarker

WEIGHTS = Path(__file__).parent / "weights"
IDENTITY_WIDTH = 512
# MediaPipe uses 0.5; the small windows of large pictures give more false positives, all below 0.6.
MIN_PRESENCE = 0.75
SAME_FACE_IOU = 0.5


@dataclass(frozen=True)
class Face:
    """One face, in pixels of the picture it was found in."""

    box: Tensor  # (4): left, top, right, bottom, from the detector
    score: float  # 0..1, the detector's
    landmarks: Tensor  # (468 2): x, y, numbered as in MediaPipe's face mesh
    five_points: Tensor  # (5 2): eyes, tip of the nose, mouth corners; the picture's left before its right
    yaw_degrees: float  # 0 is frontal
    recognisable: bool  # found by the detector that the recognizer was trained with

    @property
    def area(self) -> float:
        return float((self.box[2:] - self.box[:2]).prod())

    @property
    def roll_degrees(self) -> float:
        """0 is upright; positive is clockwise."""
        across = self.landmarks[RIGHT_EYE_CORNER] - self.landmarks[LEFT_EYE_CORNER]
        return math.degrees(math.atan2(across[1], across[0]))


class FaceRecogniser(Protocol):
    def embed(self, picture: Tensor, five_points: Tensor) -> Tensor:
        """picture: (3 h w), RGB in 0..1.  five_points: (5 2).  Returns (512), not normalized."""


class FaceFinder(Protocol):
    """The interface that portrait preparation uses; `FaceAnalysis` implements it."""

    def find(self, picture: Tensor) -> list[Face]: ...

    def identity(self, picture: Tensor, face: Face) -> Tensor: ...


@dataclass(frozen=True)
class FaceAnalysis:
    """A payload that holds its small networks, which always run on the CPU.

    recognizer: needs its own detector in `detector`; with None, the identity embedding is zero.
    fallback: used if `detector` finds no face.
    """

    detector: FaceDetector
    landmarker: FaceLandmarker
    recogniser: FaceRecogniser | None = None
    fallback: FaceDetector | None = None

    def find(self, picture: Tensor) -> list[Face]:
        """picture: (h w 3), RGB in 0..1.  Returns the faces, largest first; the release uses the first."""
        picture = rearrange(picture.float().cpu(), "h w c -> c h w")
        found = self._find(picture, self.detector, recognisable=self.recogniser is not None)
        if not found and self.fallback is not None:
            found = self._find(picture, self.fallback, recognisable=False)
        return sorted(found, key=lambda face: face.area, reverse=True)

    def identity(self, picture: Tensor, face: Face) -> Tensor:
        """(512): the raw embedding of `face` in picture (h w 3).

        Zeros without a recognizer and, as in the original, for a face that the recognizer's own detector did not find.
        """
        if self.recogniser is None or not face.recognisable:
            return torch.zeros(IDENTITY_WIDTH)
        return self.recogniser.embed(rearrange(picture.float().cpu(), "h w c -> c h w"), face.five_points)

    def _find(self, picture: Tensor, detector: FaceDetector, recognisable: bool) -> list[Face]:
        """Detections that the landmark network confirms, each face once."""
        found: list[Face] = []
        for seen in sorted(detector.detect(picture), key=lambda seen: seen.score, reverse=True):
            landmarks = self.landmarker.locate(picture, seen.box, seen.points[:2])
            known = any(overlap(_bounds(landmarks.points), _bounds(face.landmarks)) > SAME_FACE_IOU for face in found)
            if landmarks.presence >= MIN_PRESENCE and not known:
                five_points = seen.points if recognisable else landmarks.five_points()
                yaw = landmarks.yaw_degrees
                found.append(Face(seen.box, seen.score, landmarks.points, five_points, yaw, recognisable))
        return found


def built_in_face_analysis() -> FaceAnalysis:
    """BlazeFace and FaceMesh with the weights that ship with the package; no identity embedding."""
    return FaceAnalysis(built_in_detector(), built_in_landmarker())


def built_in_detector() -> BlazeFaceDetector:
    return BlazeFaceDetector(_with_weights(BlazeFace(), "blazeface"))


def built_in_landmarker() -> FaceLandmarker:
    return FaceLandmarker(_with_weights(FaceMesh(), "facemesh"))


def _with_weights(network: nn.Module, name: str) -> nn.Module:
    weights = load_file(WEIGHTS / f"{name}.safetensors")
    network.load_state_dict({key: value.float() for key, value in weights.items()}, strict=True)
    # These narrow convolutions run 1.5 times as fast on a CPU with channels last.
    return network.to(memory_format=torch.channels_last).eval().requires_grad_(False)


def _bounds(points: Tensor) -> Tensor:
    return torch.cat([points.amin(dim=0), points.amax(dim=0)])
