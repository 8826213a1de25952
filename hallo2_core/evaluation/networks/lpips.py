"""LPIPS (Zhang et al. 2018), version 0.1 on AlexNet: distance of features, weighted as people judge.

Two files: torchvision's AlexNet, and the weights of the five layers, `alex.pth` of the package lpips.
"""

from __future__ import annotations

from pathlib import Path

import torch.nn.functional as F
from einops import rearrange, reduce
from torch import Tensor, nn

from .loading import loaded

BACKBONE_FILE = "torchvision's AlexNet (alexnet-owt-7be5be79.pth)"
HEADS_FILE = "the layer weights of LPIPS 0.1 (alex.pth of the package lpips)"
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # of RGB in -1..1
TINY = 1e-10
# Per layer: input and output width, kernel, stride, padding, and whether it is pooled before.
LAYERS = {
    "0": (3, 64, 11, 4, 2, False),
    "3": (64, 192, 5, 1, 2, True),
    "6": (192, 384, 3, 1, 1, True),
    "8": (384, 256, 3, 1, 1, False),
    "10": (256, 256, 3, 1, 1, False),
}


class AlexNetFeatures(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.ModuleDict(
            {name: nn.Conv2d(*sizes[:2], sizes[2], sizes[3], sizes[4]) for name, sizes in LAYERS.items()}
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """x: (b 3 h w).  Returns the features of each layer."""
        found = []
        for name, sizes in LAYERS.items():
            x = F.relu(self.features[name](F.max_pool2d(x, 3, 2) if sizes[-1] else x))
            found.append(x)
        return found


class LayerWeights(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        for number, sizes in enumerate(LAYERS.values()):
            layer = nn.Module()
            layer.model = nn.ModuleDict({"1": nn.Conv2d(sizes[1], 1, 1, bias=False)})
            self.add_module(f"lin{number}", layer)

    def forward(self, squares: list[Tensor]) -> Tensor:
        """squares: per layer (b c h w).  Returns (b)."""
        total = squares[0].new_zeros(len(squares[0]))
        for number, square in enumerate(squares):
            weighted = self.get_submodule(f"lin{number}.model.1")(square)
            total = total + reduce(weighted, "b 1 h w -> b", "mean")
        return total


class LPIPS(nn.Module):
    def __init__(self, backbone: AlexNetFeatures, heads: LayerWeights) -> None:
        super().__init__()
        self.backbone, self.heads = backbone, heads

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """one, other: (b h w 3) uint8.  Returns (b), 0 for equal frames."""
        first, second = (self.backbone(_scaled(frames)) for frames in (one, other))
        return self.heads([(_unit(a) - _unit(b)).square() for a, b in zip(first, second, strict=True)])


def load_lpips(backbone: Path, heads: Path) -> LPIPS:
    """Errors: CheckpointError."""
    features = loaded(AlexNetFeatures, backbone, BACKBONE_FILE, unused=("classifier.",))
    return LPIPS(features, loaded(LayerWeights, heads, HEADS_FILE)).eval()


def _scaled(frames: Tensor) -> Tensor:
    pixels = frames.float() / 127.5 - 1.0
    return rearrange((pixels - pixels.new_tensor(SHIFT)) / pixels.new_tensor(SCALE), "b h w c -> b c h w")


def _unit(features: Tensor) -> Tensor:
    return features / (features.square().sum(dim=1, keepdim=True).sqrt() + TINY)
