"""Settings of the denoising loop."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import SettingsError
from ..timeline.weights import RANGES
from .acceleration import EXACT, Acceleration

LARGEST_SEED = 2**64 - 1
INDEPENDENT, REPEATED = CLIP_NOISES = ("independent", "repeated")


@dataclass(frozen=True)
class RegionWeights:
    """How strongly speech moves each region. 1.0 as in the release."""

    pose: float = 1.0
    face: float = 1.0
    lip: float = 1.0

    def __post_init__(self) -> None:
        for name in ("pose", "face", "lip"):
            value, (least, most) = getattr(self, name), RANGES[name]
            if not least <= value <= most:
                raise SettingsError(f"The {name} weight is {value:g}; choose {least} to {most} (the release: 1).")


@dataclass(frozen=True)
class SamplerConfig:
    """Steps, guidance and randomness of the denoising loop (paper §5.1; the release's `long.yaml`)."""

    steps: int = 40
    guidance: float = 3.5
    seed: int = 42
    weights: RegionWeights = field(default_factory=RegionWeights)
    legacy_rng: bool = False  # the release's draw order: one CPU generator for the whole video
    reference_banks: str = "released"  # "released": quirk 2's alternation; "aligned": the conditional bank everywhere
    text_strength: float = 1.0  # of the prompts' effect, inside the network; 0: no prompt
    text_scale: float = 1.0  # classifier-free guidance of the prompts alone, on top of guidance; 1: none
    acceleration: Acceleration = EXACT
    # "independent": each clip begins with noise of its own, as in the original. "repeated": all begin with that of the
    # first, so that what the noise decides stays the same at their borders (Qiu et al., 2023, arXiv 2310.15169).
    clip_noise: str = INDEPENDENT

    def __post_init__(self) -> None:
        if not 1 <= self.steps <= 1000:
            raise SettingsError(f"steps is {self.steps}; choose 1 to 1000 (the release uses 40).")
        least, most = RANGES["cfg"]
        if not least <= self.guidance <= most:
            raise SettingsError(
                f"The guidance scale, cfg, is {self.guidance:g}; choose {least} (off) to {most} (the release: 3.5)."
            )
        if not 0 <= self.seed <= LARGEST_SEED:
            raise SettingsError(f"The seed is {self.seed}; choose 0 to {LARGEST_SEED}.")
        if self.reference_banks not in ("released", "aligned"):
            raise SettingsError(f"reference_banks is '{self.reference_banks}'; choose 'released' or 'aligned'.")
        if self.clip_noise not in CLIP_NOISES:
            raise SettingsError(f"clip_noise is '{self.clip_noise}'; choose 'independent' or 'repeated'.")
        if self.legacy_rng and self.clip_noise == REPEATED:
            raise SettingsError(
                "clip_noise is 'repeated', but legacy_rng draws all noise in a row, as the official code does. Set "
                "clip_noise to 'independent', or turn legacy_rng off."
            )
        if not 0.0 <= self.text_strength <= 3.0:
            raise SettingsError(f"The text strength is {self.text_strength}; choose 0 (no prompt) to 3.")
        if not 0.0 <= self.text_scale <= 15.0:
            raise SettingsError(f"The text scale is {self.text_scale}; choose 0 to 15 (1: no separate guidance).")

    @property
    def steps_taken(self) -> int:
        return self.acceleration.steps_taken(self.steps)
