"""Golden cases of the kind `masks`: a photo and its landmarks → portrait, face region and mask pyramids."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..portrait.face_analysis import IDENTITY_WIDTH, Face
from ..portrait.prepare import prepare_portrait
from ..portrait.region_masks import (
    FACE_OUTLINE,
    LIP_EXPAND,
    LIPS,
    background_of,
    expanded_box,
    filled_box,
    soft_masks,
)
from .case import Case, Comparison, Settings, Verdict

INPUTS = ("photo_uint8_hwc_rgb", "landmarks_xy")
EVERY_FOURTH = "_every4"


class _KnownFace:
    """Returns one face, with the case's landmarks."""

    def __init__(self, landmarks: Tensor) -> None:
        self.face = Face(torch.zeros(4), 1.0, landmarks, landmarks[:5], 0.0, recognisable=False)

    def find(self, picture: Tensor) -> list[Face]:
        return [self.face]

    def identity(self, picture: Tensor, face: Face) -> Tensor:
        return torch.zeros(IDENTITY_WIDTH)


def run_masks(case: Case, settings: Settings) -> list[Verdict]:
    """Every stored tensor must be reproduced exactly, on any device: masks are integer arithmetic on the CPU."""
    comparison = Comparison(case.name)
    ours = _made(case)
    for name, expected in case.tensors.items():
        if name in INPUTS:
            continue
        whole = name.removesuffix(EVERY_FOURTH)
        if whole not in ours:
            comparison.failures.append(f"{name} is unknown")
            continue
        got = ours[whole]
        comparison.check(name, got[:, ::4, ::4] if name.endswith(EVERY_FOURTH) else got, expected, limit=0.0)
    return [comparison.verdict()]


def _made(case: Case) -> dict[str, Tensor]:
    """Our tensors under the case's names."""
    photo, landmarks = (case.tensors[name] for name in INPUTS)
    expand, side = float(case.metadata["expand_ratio"]), int(case.metadata["image_size"])
    portrait = prepare_portrait(photo, _KnownFace(landmarks), side, side, crop="none", face_expand=expand)
    made = {"pixel_values": portrait.pixels, "face_region": portrait.face_region}
    regions = {"full": portrait.masks.pose, "face": portrait.masks.face, "lip": portrait.masks.lip}
    for name, levels in regions.items():
        made |= {f"mask/{name}/{i}": level.unsqueeze(0) for i, level in enumerate(levels)}

    size = photo.shape[:2]
    face = filled_box(expanded_box(landmarks[list(FACE_OUTLINE)], expand, *size), *size)
    lip = filled_box(expanded_box(landmarks[list(LIPS)], LIP_EXPAND, *size), *size)
    soft = soft_masks(face, lip)
    pictures = {
        "face_mask": face,
        "lip_mask": lip,
        "face_mask_blur": soft.blurred_face,
        "sep_background": soft.pose,
        "sep_face": soft.face,
        "sep_lip": soft.lip,
    }
    made |= {f"png/{name}": torch.from_numpy(picture) for name, picture in pictures.items()}
    made["background_table_uint8"] = torch.from_numpy(background_of(np.arange(256, dtype=np.uint8)))
    return made
