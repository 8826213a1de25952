"""The speech encoder: wav2vec2, with features resampled to video frames before its transformer.

Source: the released code's use of wav2vec2-base-960h (quirk 21). Notation: t samples at 16 kHz or features, f frames,
c channels of the convolutions, d width of the transformer.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from ..config import Wav2VecConfig
from .wav2vec_network import Wav2VecNetwork


@dataclass(frozen=True)
class ChannelStatistics:
    """Mean and population variance over time of every channel of the first convolution: (c) each, float64."""

    mean: Tensor
    variance: Tensor


class SpeechEncoder(nn.Module):
    """Normalized 16 kHz sound → the hidden states of every layer at every frame.

    The network is `wav2vec`. It has no dropout, so train and eval mode are the same.
    """

    def __init__(self, config: Wav2VecConfig | None = None, device: torch.device | str | None = None) -> None:
        super().__init__()
        self.config = config or Wav2VecConfig()
        with torch.device(device or "cpu"):
            self.wav2vec = Wav2VecNetwork(self.config)

    def features_of(self, samples: int) -> int:
        """The number of features that the convolutions return for this many samples."""
        return (samples - self.config.reach_samples) // self.config.hop_samples + 1

    @property
    def first_weight(self) -> Tensor:
        """Of the first convolution, which has no bias: (c 1 kernel)."""
        return self.wav2vec.feature_extractor.conv_layers[0].conv.weight

    def forward(self, sound: Tensor, positions: Tensor, channels: ChannelStatistics | None = None) -> Tensor:
        """sound: (t), normalized, any dtype and device. positions: (f), the position of each frame, in features
        (`spread_positions` for the release's). channels: statistics of the whole sound; None: of this piece, as in
        the original. Returns (f layers d) in the network's dtype, on its device: the outputs of the transformer's
        layers, without the input embedding."""
        return rearrange(self.hidden_states(sound, positions, channels)[1:], "layers f d -> f layers d")

    def hidden_states(self, sound: Tensor, positions: Tensor, channels: ChannelStatistics | None = None) -> Tensor:
        """As `forward`, with the input embedding: (1 + layers, f, d)."""
        features = self._features(rearrange(sound, "t -> 1 t").to(self.first_weight), channels)
        features = rearrange(interpolate(features, positions), "1 c f -> 1 f c")
        return torch.cat(self.wav2vec.encoder(self.wav2vec.feature_projection(features)))

    def _features(self, sound: Tensor, channels: ChannelStatistics | None) -> Tensor:
        """(1 t) → (1 c t): the convolutions, with the first one's channels normalized by `channels`."""
        extractor = self.wav2vec.feature_extractor
        if channels is None:
            return extractor(sound)
        first, *rest = extractor.conv_layers
        norm = first.layer_norm
        gain = norm.weight.cpu().double() / (channels.variance + norm.eps).sqrt()
        shift = norm.bias.cpu().double() - channels.mean * gain
        features = first.conv(rearrange(sound, "1 t -> 1 1 t"))
        gain, shift = (rearrange(x.to(features), "c -> c 1") for x in (gain, shift))
        features = torch.addcmul(shift, features, gain)
        features = F.gelu(features)
        for layer in rest:
            features = layer(features)
        return features


def spread_positions(features: int, frames: int) -> Tensor:
    """(f), as in the original: evenly spaced, from the first feature to the last.

    In float32 on purpose, as in torch's `interpolate(..., align_corners=True)`.
    """
    step = torch.tensor((features - 1) / (frames - 1) if frames > 1 else 0.0, dtype=torch.float32)
    return torch.arange(frames, dtype=torch.float32) * step


def interpolate(features: Tensor, positions: Tensor) -> Tensor:
    """(... t) at the fractional `positions` (f) → (... f): linear, clamped at the ends."""
    last = features.shape[-1] - 1
    positions = positions.clamp(0, last)
    left = positions.floor()
    share = (positions - left).to(features)
    left = left.long().to(features.device)
    right = (left + 1).clamp(max=last)
    return features[..., left] * (1 - share) + features[..., right] * share
