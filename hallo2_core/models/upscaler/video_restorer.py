"""The whole upscaler: a window of aligned faces → the same faces, sharp and temporally consistent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from einops import rearrange
from torch import Tensor, nn

from ...config import LATENT_CHANNELS, PIXELS_PER_LATENT, UpscalerConfig
from ...errors import CheckpointError, SettingsError
from ..layers import Build, Network
from .codebook import Codebook, VectorTable, adopt_statistics
from .feature_fusion import FeatureFusion
from .temporal_alignment import TemporalAlignment
from .vq_autoencoder import Encoder, Generator


@dataclass(frozen=True)
class Encoded:
    """The encoder's output for a window. It depends on each picture alone."""

    features: Tensor  # (b f c s s)
    kept: tuple[Mapping[int, Tensor], ...]  # per picture of (b f): side → (1 c h w), for the fusion at that side

    @staticmethod
    def joined(parts: Sequence[Encoded]) -> Encoded:
        """One after the other in time. parts: with b = 1."""
        kept = tuple(picture for part in parts for picture in part.kept)
        return Encoded(torch.cat([part.features for part in parts], dim=1), kept)


@dataclass(frozen=True)
class Restored:
    frames: Tensor  # (b f 3 h w), about -1..1, not clamped
    codes: Tensor  # (b f l), indices into the codebook
    scores: Tensor  # (b f l), of these codes; NaN where a score of any code is


class VideoRestorer(Network):
    """Encoder → temporal alignment → codes → generator, with fused encoder features.

    Pictures pass through encoder and generator one at a time, so a window costs little more memory than one frame;
    only the alignment, on tokens at 1/32 of the side, processes all of it at once.
    """

    def __init__(self, config: UpscalerConfig, build: Build) -> None:
        super().__init__(build)
        self.config = config
        groups = config.norm_groups
        code_width, token_width = config.code_width, config.token_width
        self.encoder = Encoder(3, code_width, config.widths, config.blocks_per_level, groups, build)
        self.latent_encoder = None
        if config.latent_widths:
            self.latent_encoder = Encoder(
                LATENT_CHANNELS, code_width, config.latent_widths, config.blocks_per_level, groups, build
            )
        self.feature_embedding = build.linear(code_width, token_width)
        self.position_embedding = VectorTable(config.code_side**2, token_width, build)
        self.temporal_alignment = nn.ModuleList(
            TemporalAlignment(token_width, config.feed_forward_width, config.heads, build)
            for _ in range(config.alignment_layers)
        )
        self.code_head = nn.Sequential(
            build.layer_norm(token_width), build.linear(token_width, config.codes, bias=False)
        )
        self.codebook = Codebook(config.codes, code_width, build)
        self.generator = Generator(code_width, 3, config.widths, config.blocks_per_level, groups, build)
        self.fusion = nn.ModuleDict(
            {str(side): FeatureFusion(self._width_at(side), groups, build) for side in config.fused_sides}
        )

    def forward(
        self,
        frames: Tensor | None = None,
        latents: Tensor | None = None,
        *,
        fidelity: float,
        adain: bool = True,
        between_frames: Callable[[], None] | None = None,
        parks_features: bool = False,
    ) -> Restored:
        """One window, as one of the two inputs of the paper's Figure 4.

        frames: (b f 3 h w), -1..1, h = w = config.side_px: decoded pictures through the low-quality encoder (released).
        latents: (b f 4 h/8 w/8), scaled diffusion latents, through a separate encoder, if the weights have one.
        fidelity: 0 redraws freely, 1 stays close to the input; latents only allow 0, since there is no input picture.
        adain: the codes adopt the input's statistics.  between_frames: may raise, to cancel.
        parks_features: what the fusion takes from the encoder waits on the CPU: less memory, slower, the same bits.
        Errors: SettingsError, or CheckpointError without an encoder of latents.
        """
        encoded = self.encode(
            frames, latents, fidelity=fidelity, between_frames=between_frames, parks_features=parks_features
        )
        return self.restore(encoded, fidelity=fidelity, adain=adain, between_frames=between_frames)

    def encode(
        self,
        frames: Tensor | None = None,
        latents: Tensor | None = None,
        *,
        fidelity: float,
        between_frames: Callable[[], None] | None = None,
        parks_features: bool = False,
    ) -> Encoded:
        """As `forward`. Features for the fusion are kept only if `fidelity` needs them."""
        given, encoder = self._encoder_for(frames, latents, fidelity)
        features, kept = [], []
        for picture in rearrange(given, "b f c h w -> (b f) 1 c h w"):
            if between_frames:
                between_frames()
            encoded, picture_kept = encoder(picture, self.config.fused_sides if fidelity > 0 else ())
            features.append(encoded)
            if parks_features:
                picture_kept = {side: one.cpu() for side, one in picture_kept.items()}
            kept.append(picture_kept)
        return Encoded(rearrange(torch.cat(features), "(b f) c h w -> b f c h w", b=len(given)), tuple(kept))

    def restore(
        self,
        encoded: Encoded,
        *,
        fidelity: float,
        adain: bool = True,
        between_frames: Callable[[], None] | None = None,
    ) -> Restored:
        """The rest of `forward`."""
        logits = self.code_logits(encoded.features)
        codes, scores = logits.argmax(dim=-1), logits.amax(dim=-1)
        return Restored(self.draw(codes, encoded, fidelity, adain, between_frames), codes, scores)

    def code_logits(self, features: Tensor) -> Tensor:
        """features: (b f c s s), encoded. Returns (b f s² codes)."""
        batch, window = features.shape[:2]
        tokens = self.feature_embedding(rearrange(features, "b f c h w -> (b f) (h w) c"))
        position = self.position_embedding(tokens)
        for layer in self.temporal_alignment:
            tokens = layer(tokens, position, window)
        return rearrange(self.code_head(tokens), "(b f) l n -> b f l n", b=batch)

    def draw(
        self,
        codes: Tensor,
        encoded: Encoded,
        fidelity: float,
        adain: bool = True,
        between_frames: Callable[[], None] | None = None,
    ) -> Tensor:
        """codes: (b f l). Returns (b f 3 h w), not clamped."""
        drawn = []
        pictures = rearrange(codes, "b f l -> (b f) 1 l"), rearrange(encoded.features, "b f c h w -> (b f) 1 c h w")
        for picture_codes, features, kept in zip(*pictures, encoded.kept, strict=True):
            if between_frames:
                between_frames()
            drawing = self.codebook(picture_codes, features)
            if adain:
                drawing = adopt_statistics(drawing, features)
            fuse = {}
            if fidelity > 0:
                parked = {side: given.to(features.device) for side, given in kept.items()}
                fuse = self.fusions(parked, fidelity)
            drawn.append(self.generator(drawing, fuse))
        return rearrange(torch.cat(drawn), "(b f) c h w -> b f c h w", b=len(codes))

    def fusions(
        self, kept: Mapping[int, Tensor], fidelity: Tensor | float, picture_px: int | None = None
    ) -> dict[int, Callable[[Tensor], Tensor]]:
        """The fusion at each side, as the generator takes them, with the encoder's features bound.

        kept: side → (b c h w), from the encoder.  fidelity: one for all, or (b 1 1 1).
        picture_px: the side of the encoded pictures, if they are parts of faces; None: config.side_px.
        """
        face_px = self.config.side_px
        in_face = {side: str(side * face_px // (picture_px or face_px)) for side in kept}
        return {side: partial(self.fusion[in_face[side]], kept[side], fidelity=fidelity) for side in kept}

    def _width_at(self, side: int) -> int:
        widths = {self.config.side_px >> level: width for level, width in enumerate(self.config.widths)}
        if side not in widths:
            raise SettingsError(f"Features of side {side} cannot be fused; the levels have sides {sorted(widths)}.")
        return widths[side]

    def _encoder_for(self, frames: Tensor | None, latents: Tensor | None, fidelity: float) -> tuple[Tensor, Encoder]:
        if (frames is None) == (latents is None):
            raise SettingsError("The upscaler got both frames and latents, or neither; pass one of the two.")
        if not 0.0 <= fidelity <= 1.0:
            raise SettingsError(f"The fidelity is {fidelity}; choose 0 (redraw freely) to 1 (stay close to the input).")
        side = self.config.side_px
        if frames is not None:
            return _checked_window(frames, 3, side), self.encoder
        if self.latent_encoder is None:
            raise CheckpointError(
                "This upscaler has no 'latent_encoder.' weights, so it cannot start from diffusion latents; the "
                "released net_g.pth was trained on decoded frames only. Decode the latents and pass the frames."
            )
        if fidelity > 0:
            raise SettingsError(
                f"The fidelity is {fidelity}, but with latents there is no input picture. Set it to 0 for latents."
            )
        return _checked_window(latents, LATENT_CHANNELS, side // PIXELS_PER_LATENT), self.latent_encoder


def _checked_window(window: Tensor, channels: int, side: int) -> Tensor:
    if window.ndim != 5 or tuple(window.shape[2:]) != (channels, side, side):
        raise SettingsError(
            f"The upscaler got a window of shape {tuple(window.shape)}; it expects (b, f, {channels}, {side}, {side}). "
            "Scale the pictures to that side first."
        )
    return window
