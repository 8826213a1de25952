"""Which of torch's attention kernels our shapes get, in which dtype, and what each of them takes."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from hallo2_core.config import Hallo2Config, UpscalerConfig, VAEConfig
from hallo2_core.models.attention_function import sdpa

from .measure import Repeats, timed
from .section import Figures

BACKENDS = {
    "flash": SDPBackend.FLASH_ATTENTION,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
    "math": SDPBackend.MATH,
}
ON_A_CARD, ON_A_PROCESSOR = Repeats(count=5, seconds=0.3, warm_up=1), Repeats(count=1, seconds=0, warm_up=0)
FRAMES, MOTION_FRAMES, FACE_TOKENS = 16, 2, 4


@dataclass(frozen=True)
class Site:
    """One place where our networks attend. Lengths are those of a guided step."""

    where: str
    batch: int
    queries: int
    keys: int
    width: int
    heads: int

    @property
    def head_width(self) -> int:
        return self.width // self.heads

    def tokens(self, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
        generator = torch.Generator(device).manual_seed(0)

        def draw(length: int) -> Tensor:
            return torch.randn(self.batch, length, self.width, device=device, generator=generator).to(dtype)

        return draw(self.queries), draw(self.keys), draw(self.keys)


def sites(config: Hallo2Config, vae: VAEConfig, upscaler: UpscalerConfig, latent_side: int) -> list[Site]:
    """All shapes of a guided step of 16 frames, by level; then the VAE's and the upscaler's."""
    heads, found = config.unet.heads, []
    for level, width in enumerate(config.unet.block_widths):
        side = latent_side >> level
        places = side * side
        found += [
            Site(f"portrait {side}x{side}", FRAMES, places, 2 * places, width, heads),
            Site(f"self {side}x{side}", 2 * FRAMES, places, places, width, heads),
            Site(f"face tokens {side}x{side}", 2, FRAMES * places, FACE_TOKENS, width, heads),
            Site(f"speech {side}x{side}", FRAMES, places, config.audio_projection.tokens, width, heads),
            Site(f"motion {side}x{side}", 2 * places, *[FRAMES + MOTION_FRAMES] * 2, width, heads),
        ]
    codes = upscaler.code_side**2
    return [
        *found,
        Site("VAE", 1, latent_side**2, latent_side**2, vae.block_widths[-1], 1),
        Site("upscaler, in a frame", FRAMES, codes, codes, upscaler.token_width, upscaler.heads),
        Site("upscaler, over time", codes, FRAMES, FRAMES, upscaler.token_width, upscaler.heads),
    ]


def measure_site(site: Site, device: torch.device, dtype: torch.dtype) -> Figures:
    """The kernel that torch takes by itself, its time, and for each kernel its time or why it refuses."""
    tokens = site.tokens(device, dtype)
    tried = {name: _tried(tokens, site.heads, backend, device) for name, backend in BACKENDS.items()}
    return {
        "where": site.where,
        "head_width": site.head_width,
        "dtype": str(dtype).removeprefix("torch."),
        "shape": f"{site.batch} x {site.heads} x {site.queries} / {site.keys}",
        "taken": _taken(tokens, site.heads),
        "ms": timed(lambda: sdpa(*tokens, site.heads), device, _repeats(device))["median_ms"],
        "can_use": _can_use(tokens, site.heads) if device.type == "cuda" else {},
        "backends": tried,
    }


def _tried(tokens: tuple[Tensor, ...], heads: int, backend: SDPBackend, device: torch.device) -> float | str:
    """Milliseconds, or why not: with one kernel allowed torch warns of what keeps it from taking it."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            with sdpa_kernel(backend):
                return timed(lambda: sdpa(*tokens, heads), device, _repeats(device))["median_ms"]
        except RuntimeError as error:
            return _reason([str(warning.message) for warning in said] or [str(error)])


def _reason(messages: list[str]) -> str:
    """The first that names a cause; torch also says only which kernel it speaks of."""
    lines = [message.strip().split("\n", 1)[0].split(" (Triggered internally", 1)[0] for message in messages]
    causes = [line for line in lines if line and not line.endswith(("not used because:", "disabled."))]
    return (causes or lines)[0][:160]


def _repeats(device: torch.device) -> Repeats:
    return ON_A_CARD if device.type == "cuda" else ON_A_PROCESSOR


def _heads_apart(tokens: tuple[Tensor, ...], heads: int) -> list[Tensor]:
    return [rearrange(x, "b l (heads d) -> b heads l d", heads=heads) for x in tokens]


def _taken(tokens: tuple[Tensor, ...], heads: int) -> str:
    """torch's own choice. It has no public name, so it may go."""
    choice = getattr(torch, "_fused_sdp_choice", None)
    if choice is None:
        return "unknown to this torch"
    taken = SDPBackend(choice(*_heads_apart(tokens, heads)))
    return next((name for name, backend in BACKENDS.items() if backend == taken), taken.name.lower())


def _can_use(tokens: tuple[Tensor, ...], heads: int) -> dict[str, bool]:
    cuda = torch.backends.cuda
    parameters = cuda.SDPAParams(*_heads_apart(tokens, heads), None, 0.0, False, False)
    return {
        "flash": cuda.can_use_flash_attention(parameters),
        "efficient": cuda.can_use_efficient_attention(parameters),
        "cudnn": cuda.can_use_cudnn_attention(parameters),
    }
