"""Portrait and motion frames → ReferenceNet's banks, with the face tokens of each image."""

from __future__ import annotations

import torch
from einops import repeat
from torch import Tensor, nn

from ..models.hallo2_models import Hallo2Models
from ..models.latents import LatentCodec, encode_pictures
from ..models.layers import compute_dtype_of
from ..payloads import Portrait, Reference, ReferenceBanks
from ..runtime import Runtime

UNCONDITIONAL, CONDITIONAL = 0, 1


@torch.inference_mode()
def build_reference(models: Hallo2Models, portrait: Portrait, codec: LatentCodec, runtime: Runtime) -> Reference:
    """The portrait's banks, face tokens and face map: once for the whole video. Results are on the CPU."""
    net = models.reference_net
    device, dtype = runtime.device, compute_dtype_of(net)
    runtime.check_cancelled()
    latents = encode_pictures(codec, portrait.pixels.unsqueeze(0))
    runtime.ready(models.image_projection, models.face_locator, net)
    tokens = face_tokens(models.image_projection, portrait.identity.to(device, dtype))
    face_map = models.face_locator(portrait.face_region.unsqueeze(0).to(device, dtype))
    banks = portrait_banks(net, latents.to(device, dtype), tokens)
    weights = models.fingerprint, codec.fingerprint
    return Reference(portrait, banks.to("cpu"), tokens.cpu(), face_map.cpu(), weights)


def face_tokens(image_projection: nn.Module, identity: Tensor) -> Tensor:
    """identity: (e).  Returns (2 n d). The unconditional tokens are those of an embedding of zeros, not zeros
    (quirk 16)."""
    return image_projection(torch.stack([torch.zeros_like(identity), identity]))


def portrait_banks(reference_net: nn.Module, latents: Tensor, tokens: Tensor) -> ReferenceBanks:
    """latents: (1 4 h w).  tokens: (b n d).  Banks with one row per token set."""
    return reference_net(repeat(latents, "1 c h w -> b c h w", b=tokens.shape[0]), tokens)


def motion_banks(reference_net: nn.Module, latents: Tensor, tokens: Tensor) -> ReferenceBanks:
    """latents: (m 4 h w), the motion frames.  tokens: (b n d).  Banks with rows (b m)."""
    cond_batch, frames = tokens.shape[0], latents.shape[0]
    sets = motion_token_sets(frames) if cond_batch == 2 else [0] * frames
    return reference_net(repeat(latents, "m c h w -> (b m) c h w", b=cond_batch), tokens[sets])


def motion_token_sets(motion_frames: int) -> list[int]:
    """Which face tokens each motion frame gets, in the order of the rows (b m).

    As in the original (quirk 4): token sets are tiled over a batch whose portraits come first, so the two sets mix. Row
    j = 1, 2, … of the unconditional half takes the conditional tokens when j is odd, of the conditional half when j is
    even. For odd numbers of motion frames the release would tile differently; this rule is kept on purpose.
    """
    rows = range(1, motion_frames + 1)
    unconditional_rows = [CONDITIONAL if row % 2 else UNCONDITIONAL for row in rows]
    conditional_rows = [UNCONDITIONAL if row % 2 else CONDITIONAL for row in rows]
    return unconditional_rows + conditional_rows


def reference_rows(frames: int, cond_batch: int, choice: str = "released") -> list[int]:
    """Which of the portrait's banks each conditional frame attends to. cond_batch: 2 under guidance, else 1.

    As in the original (quirk 2): the banks are tiled over the doubled frames, so the conditional half's frame f
    attends to bank (frames + f) mod 2, every second one to the unconditional bank. "aligned" differs from that.
    """
    if cond_batch == 1:
        return [0] * frames
    if choice == "aligned":
        return [CONDITIONAL] * frames
    return [(frames + frame) % 2 for frame in range(frames)]
