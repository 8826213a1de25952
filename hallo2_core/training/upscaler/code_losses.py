"""Losses that make an encoder's features predict the true codes; the same for both designs of the paper's Figure 4."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from ...models.upscaler.codebook import adopt_statistics
from ...models.upscaler.video_restorer import VideoRestorer
from ...models.upscaler.vq_autoencoder import Encoder
from .quantization import nearest_codes


@dataclass(frozen=True)
class CodeLossWeights:
    code: float = 0.5  # of the codes' cross-entropy, as in the original
    feature: float = 0.25  # of the squared distance from the codes' vectors
    style: float = 1.0  # of the change in those vectors when they adopt the features' statistics


@torch.no_grad()
def true_codes(pictures: Tensor, sharp_encoder: Encoder, restorer: VideoRestorer) -> Tensor:
    """pictures: (b 3 h w), sharp, -1..1.  Returns (b l)."""
    features, _ = sharp_encoder(pictures)
    return nearest_codes(features.float(), restorer.codebook)


def code_losses(
    restorer: VideoRestorer, features: Tensor, codes: Tensor, weights: CodeLossWeights
) -> tuple[dict[str, Tensor], Tensor]:
    """features: (b c s s), of an encoder, each picture on its own.  codes: (b l), the true ones.

    Returns the losses and the predicted codes, (b l).
    """
    features = features.float()
    vectors = restorer.codebook(codes, features)
    logits = restorer.code_logits(rearrange(features, "b c h w -> b 1 c h w")).float()
    predicted = logits[:, 0].argmax(dim=-1)
    entropy = F.cross_entropy(rearrange(logits, "b 1 l n -> (b l) n"), codes.flatten())
    distance = F.mse_loss(features, vectors)
    style = F.mse_loss(adopt_statistics(vectors, features), vectors)
    losses = {
        "loss": weights.code * entropy + weights.feature * distance + weights.style * style,
        "entropy": entropy,
        "distance": distance,
        "style": style,
        "accuracy": (predicted == codes).float().mean(),
    }
    return losses, predicted
