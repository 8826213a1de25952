"""The expression coefficients that E-FID compares: Deep3DFaceRecon (Deng et al. 2019), a ResNet-50 on an aligned face.

Keys as in `epoch_20.pth`, below `net_recon`.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from einops import rearrange, reduce
from torch import Tensor, nn

from ...portrait import similarity
from .loading import loaded

SIDE_PX = 224
WIDTH = 64
FILE = "the network of Deep3DFaceRecon_pytorch (epoch_20.pth)"
# Where the original's alignment puts the eyes, the tip of the nose and the corners of the mouth of a frontal face.
TEMPLATE = ((80.2, 82.4), (143.6, 82.4), (112.3, 116.7), (86.3, 150.9), (137.3, 150.9))
STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))  # width and number of blocks
GROWTH = 4  # a block's output, in its widths
COEFFICIENTS = (80, 64, 80, 3, 27, 2, 1)  # identity, expression, texture, angles, light, shift, depth
EXPRESSION = 1


class Bottleneck(nn.Module):
    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = GROWTH * width
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride > 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(F.relu(self.bn2(self.conv2(y)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        inputs = 64
        for number, (width, blocks) in enumerate(STAGES):
            stage = []
            for block in range(blocks):
                stage.append(Bottleneck(inputs, width, 2 if number and not block else 1))
                inputs = GROWTH * width
            self.add_module(f"layer{number + 1}", nn.Sequential(*stage))

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for number in range(len(STAGES)):
            x = self.get_submodule(f"layer{number + 1}")(x)
        return reduce(x, "b c h w -> b c 1 1", "mean")


class FaceCoefficients(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = ResNet()
        self.final_layers = nn.ModuleList(nn.Conv2d(GROWTH * STAGES[-1][0], width, 1) for width in COEFFICIENTS)

    def forward(self, faces: Tensor) -> Tensor:
        """faces: (b 3 224 224), RGB in 0..1, aligned.  Returns (b 64), the expression."""
        return rearrange(self.final_layers[EXPRESSION](self.backbone(faces)), "b c 1 1 -> b c")


def aligned_face(picture: Tensor, five_points: Tensor) -> Tensor:
    """picture: (3 h w).  five_points: (5 2), in its pixels.  Returns (3 224 224)."""
    to_source = similarity.fit(torch.tensor(TEMPLATE), five_points.float().cpu())
    return similarity.sample(picture, to_source, SIDE_PX, SIDE_PX)


def load_face_coefficients(path: Path) -> FaceCoefficients:
    """Errors: CheckpointError."""
    return loaded(FaceCoefficients, path, FILE)
