"""SyncNet (Chung and Zisserman 2016): five frames of a face and 0.2 s of sound, embedded close to each other if they
belong together. Keys as in `syncnet_v2.model`.
"""

from __future__ import annotations

from pathlib import Path

from einops import rearrange
from torch import Tensor, nn

from .loading import loaded

SIDE_PX = 224
FRAMES = 5  # of a window
FPS = 25
WIDTH = 1024
FILE = "SyncNet (syncnet_v2.model)"


class SyncNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.netcnnaud = nn.Sequential(
            *_layer(nn.Conv2d(1, 64, 3, padding=1)),
            nn.Identity(),  # a pooling of 1 in the original
            *_layer(nn.Conv2d(64, 192, 3, padding=1)),
            nn.MaxPool2d(3, stride=(1, 2)),
            *_layer(nn.Conv2d(192, 384, 3, padding=1)),
            *_layer(nn.Conv2d(384, 256, 3, padding=1)),
            *_layer(nn.Conv2d(256, 256, 3, padding=1)),
            nn.MaxPool2d(3, stride=2),
            *_layer(nn.Conv2d(256, 512, (5, 4))),
        )
        self.netcnnlip = nn.Sequential(
            *_layer(nn.Conv3d(3, 96, (5, 7, 7), stride=(1, 2, 2))),
            nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2)),
            *_layer(nn.Conv3d(96, 256, (1, 5, 5), stride=(1, 2, 2), padding=(0, 1, 1))),
            nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)),
            *_layer(nn.Conv3d(256, 256, (1, 3, 3), padding=(0, 1, 1))),
            *_layer(nn.Conv3d(256, 256, (1, 3, 3), padding=(0, 1, 1))),
            *_layer(nn.Conv3d(256, 256, (1, 3, 3), padding=(0, 1, 1))),
            nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2)),
            *_layer(nn.Conv3d(256, 512, (1, 6, 6))),
        )
        self.netfcaud, self.netfclip = _head(), _head()

    def sound(self, mfcc: Tensor) -> Tensor:
        """mfcc: (b 13 20), coefficients of 20 steps of 10 ms.  Returns (b 1024)."""
        return self.netfcaud(rearrange(self.netcnnaud(mfcc.unsqueeze(1)), "b c 1 1 -> b c"))

    def lips(self, faces: Tensor) -> Tensor:
        """faces: (b 5 224 224 3), RGB in 0..255.  Returns (b 1024). As in the original, whose pictures are BGR."""
        pixels = rearrange(faces.float().flip(-1), "b f h w c -> b c f h w")
        return self.netfclip(rearrange(self.netcnnlip(pixels), "b c 1 1 1 -> b c"))


def load_syncnet(path: Path) -> SyncNet:
    """Errors: CheckpointError."""
    return loaded(SyncNet, path, FILE)


def _layer(conv: nn.Conv2d | nn.Conv3d) -> tuple[nn.Module, nn.Module, nn.Module]:
    norm = nn.BatchNorm2d if isinstance(conv, nn.Conv2d) else nn.BatchNorm3d
    return conv, norm(conv.out_channels), nn.ReLU()


def _head() -> nn.Sequential:
    return nn.Sequential(nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, WIDTH))
