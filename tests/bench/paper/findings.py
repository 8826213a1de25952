"""Whether the paper's findings show in small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from quality.long_video import BOTH, NEITHER

from hallo2_core.training.cartoons import EXPRESSIONS

from .kept import Result
from .results import Results

CLEAR = 1.05  # a smaller ratio of two means is no difference
FLAT, GROWN = 1.1, 1.25  # the last window's distance, relative to the first one's
RECOGNIZED, MISSED = 0.8, 0.5  # share of the prompts


@dataclass(frozen=True)
class Finding:
    claim: str
    shows: bool | None  # None: inconclusive
    figures: str

    def __str__(self) -> str:
        word = {True: "agrees", False: "does not agree", None: "inconclusive"}[self.shows]
        return f"- {self.claim}: **{word}** ({self.figures})."


def findings(results: Results) -> dict[str, list[Finding]]:
    """By the part of the page."""

    def closer(claim: str, better: str, worse: str) -> Finding:
        return is_less(claim, results.values(better, "distance"), results.values(worse, "distance"))

    return {
        "table 3": [
            closer("Patches of 1 px keep the picture closer than none", "drop only", NEITHER),
            closer("Patches of 1 px keep the picture closer than 4 px", "drop only", "patches of 4"),
            closer("Patches of 1 px keep the picture closer than 16 px", "drop only", "patches of 16"),
        ],
        "table 4": [
            # A rate of 0 is no patches: in table 3.
            closer("A drop rate of 0.25 keeps the picture closer than 0.1", "drop only", "drop rate 0.1"),
            closer("A drop rate of 0.25 keeps the picture closer than 0.5", "drop only", "drop rate 0.5"),
        ],
        "table 5": [
            closer("Patch-drop helps more than noise", "drop only", "noise only"),
            closer("Both together help more than noise alone", BOTH, "noise only"),
            closer("Both together help more than patch-drop alone", BOTH, "drop only"),
            closer("Both together are better than neither", BOTH, NEITHER),
            _keeps_identity(results.values(BOTH, "identity_kept"), results.values(NEITHER, "identity_kept")),
        ],
        "figure 6": _over_time(results.over_time(BOTH), results.over_time(NEITHER)),
        "figure 14": _upscaler(results.upscaler),
        "figure 15": [_prompts(results.prompts)],
    }


def is_less(claim: str, less: Sequence[float], more: Sequence[float]) -> Finding:
    """less, more: a figure with one setting and with another, of the same actors.

    The claim or its opposite shows if the means differ clearly, and the values in the same way for each actor.
    """
    pairs = list(zip(less, more, strict=True))
    shows = None
    if all(one < other for one, other in pairs) and CLEAR * fmean(less) < fmean(more):
        shows = True
    elif all(one > other for one, other in pairs) and fmean(less) > CLEAR * fmean(more):
        shows = False
    return Finding(claim, shows, f"{fmean(less):.3g} against {fmean(more):.3g}")


def _keeps_identity(both: Sequence[float], neither: Sequence[float]) -> Finding:
    """As `is_less`, of what is lost."""
    lost = is_less("", [1 - kept for kept in both], [1 - kept for kept in neither])
    figures = f"{fmean(both):.3g} against {fmean(neither):.3g}"
    return Finding("Both together keep more of the identity than neither", lost.shows, figures)


def _over_time(both: Sequence[float], neither: Sequence[float]) -> list[Finding]:
    growth = both[-1] / both[0]
    flat = None if len(both) < 2 else True if growth <= FLAT else False if growth >= GROWN else None
    figures = f"{both[0]:.3g} in the first window, {both[-1]:.3g} in the last"
    return [
        Finding("With patch-drop and noise, the distance stays flat", flat, figures),
        is_less("In the last window it is smaller than with neither", both[-1:], neither[-1:]),
    ]


def _upscaler(upscaler: Result) -> list[Finding]:
    gain = upscaler.figures["PSNR above bicubic, of the drawing through the VAE, dB"]["value"]
    aligned = upscaler.figures["flicker with temporal alignment, 0-255"]["value"]
    alone = upscaler.figures["flicker frame by frame, 0-255"]["value"]
    return [
        Finding("The upscaler restores more than bicubic enlargement", gain > 0, f"{gain:+.2f} dB"),
        is_less("Temporal alignment reduces flicker", [aligned], [alone]),
    ]


def _prompts(prompts: Mapping[str, Result]) -> Finding:
    found = sum(
        max(range(len(EXPRESSIONS)), key=result.figures["shares"].__getitem__) == EXPRESSIONS.index(expression)
        for expression, result in prompts.items()
    )
    share = found / len(prompts)
    shows = True if share >= RECOGNIZED else False if share <= MISSED else None
    return Finding(
        "More frames show the prompted expression than any other", shows, f"{found} of {len(prompts)} prompts"
    )
