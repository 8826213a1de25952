from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from einops import rearrange

from hallo2_core.portrait.face_analysis import built_in_face_analysis
from hallo2_core.portrait.picture import load_picture

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def faces():
    return built_in_face_analysis()


@pytest.fixture(scope="session")
def picture():
    """Loads a test picture (h w 3) by its name."""

    def load(name):
        return load_picture(ROOT / "tests" / "media" / name)

    return load


@pytest.fixture(scope="session")
def portrait(picture):
    return picture("portrait.png")


@pytest.fixture(scope="session")
def on_ground(portrait):
    """The portrait, scaled to `side`, on a grey ground (height width 3) with its corner at (left, top)."""

    def place(height, width, side, left, top):
        ground = torch.full((height, width, 3), 0.45)
        small = F.interpolate(rearrange(portrait, "h w c -> 1 c h w"), (side, side), mode="bilinear", antialias=True)
        ground[top : top + side, left : left + side] = rearrange(small, "1 c h w -> h w c")
        return ground

    return place
