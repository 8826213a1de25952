"""The speech encoder: transformers' wav2vec2, with features resampled to video frames before its transformer.

Source: the released code's use of wav2vec2-base-960h (quirk 21). Notation: t samples at 16 kHz or features, f frames,
c channels of the convolutions, d width of the transformer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from einops import rearrange
from torch import Tensor, nn

from ..config import Wav2VecConfig
from ..errors import MissingDependencyError, pip_install

if TYPE_CHECKING:
    from transformers import Wav2Vec2Model

OLDEST_TRANSFORMERS = (4, 37)  # the lower bound of the oldest supported host; `tests/oldest` runs it


@dataclass(frozen=True)
class ChannelStatistics:
    """Mean and population variance over time of every channel of the first convolution: (c) each, float64."""

    mean: Tensor
    variance: Tensor


class SpeechEncoder(nn.Module):
    """Normalized 16 kHz sound → the hidden states of every layer at every frame.

    The network is `wav2vec`, under transformers' key names. It has no dropout, so train and eval mode are the same.
    Errors: MissingDependencyError if transformers is missing, broken or older than 4.37.
    """

    def __init__(self, config: Wav2VecConfig | None = None, device: torch.device | str | None = None) -> None:
        super().__init__()
        self.config = config or Wav2VecConfig()
        with torch.device(device or "cpu"):
            self.wav2vec = _transformers_wav2vec(self.config)

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
        tokens = self.wav2vec.feature_projection(features)[0]
        with _inputs_of(self.wav2vec.encoder.layers) as states:
            last = self.wav2vec.encoder(tokens)[0]
        return torch.cat([*states, last])

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
        features = first.activation(torch.addcmul(shift, features, gain))
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


@contextmanager
def _inputs_of(layers: nn.ModuleList) -> Iterator[list[Tensor]]:
    """Collect the inputs of each of `layers` within the context.

    The pack's one use of hooks: transformers 5 returns no hidden states from a direct call of the encoder, and what
    4.x returns differs between its versions; the layers' inputs are the same in all of them.
    """
    inputs: list[Tensor] = []
    hooks = [layer.register_forward_pre_hook(lambda _, args: inputs.append(args[0])) for layer in layers]
    try:
        yield inputs
    finally:
        for hook in hooks:
            hook.remove()


def _transformers_wav2vec(config: Wav2VecConfig) -> Wav2Vec2Model:
    try:
        import transformers
        from transformers import Wav2Vec2Config, Wav2Vec2Model
    except (ImportError, RuntimeError) as error:  # transformers 4 turns failed imports into RuntimeError
        raise MissingDependencyError(
            f"The speech encoder needs the package transformers, which cannot be imported ({error}). Run: "
            f"{pip_install('--upgrade', 'transformers')}"
        ) from error
    _check_transformers(transformers.__version__)
    dropouts = ("hidden_dropout", "attention_dropout", "activation_dropout", "feat_proj_dropout", "layerdrop")
    return Wav2Vec2Model(
        Wav2Vec2Config(
            hidden_size=config.width,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            intermediate_size=config.feed_forward_width,
            conv_dim=config.conv_widths,
            conv_kernel=config.conv_kernels,
            conv_stride=config.conv_strides,
            num_conv_pos_embeddings=config.position_kernel,
            num_conv_pos_embedding_groups=config.position_groups,
            feat_extract_norm="group",  # over the whole input, so features depend on the cut (quirk 21)
            do_stable_layer_norm=False,
            mask_time_prob=0.0,
            mask_feature_prob=0.0,
            **dict.fromkeys(dropouts, 0.0),
        )
    )


def _check_transformers(version: str) -> None:
    found = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if found < OLDEST_TRANSFORMERS:
        needed = ".".join(map(str, OLDEST_TRANSFORMERS))
        raise MissingDependencyError(
            f"transformers {version} is installed; the speech encoder needs {needed} or newer. Run: "
            + pip_install("--upgrade", f"'transformers>={needed}'")
        )
