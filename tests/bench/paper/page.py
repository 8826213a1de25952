"""Results → the blocks of docs/paper_in_small.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from doc_blocks import markdown_table
from quality.long_video import BOTH, NEITHER

from hallo2_core.training.cartoons import EXPRESSIONS

from .findings import Finding, findings
from .kept import Result
from .long_videos import DRAWN
from .prompts import prompt_of
from .results import Results

UNKNOWN = "–"
# FID, FVD and Sync-C of the paper's tables 4 and 5, as far as they are known to us.
PAPER = {
    BOTH: ("37.944", "477.412", "6.928"),
    "drop only": ("38.518", "491.338", UNKNOWN),
    "noise only": ("82.715", "1088.158", UNKNOWN),
}
ROWS = {
    "table 3": {"none": NEITHER, "1 px": "drop only", "4 px": "patches of 4", "16 px": "patches of 16"},
    "table 4": {"0": NEITHER, "0.1": "drop rate 0.1", "0.25": "drop only", "0.5": "drop rate 0.5"},
    "table 5": {"noise": "noise only", "patch-drop": "drop only", "both": BOTH, "neither": NEITHER, "drawn": DRAWN},
}
KNOWN = {"table 3": (), "table 4": ("drop only",), "table 5": ("noise only", "drop only", BOTH)}
HEADER = [
    "paper: FID ↓", "FVD ↓", "Sync-C ↑", "in small: distance ↓", "flicker ↓", "mouth ↑", "identity kept ↑", "seam jump",
]  # fmt: skip
COLUMNS = ("distance", "flicker", "mouth", "identity_kept", "seam_jump")


def blocks(results: Results) -> dict[str, str]:
    found = findings(results)
    tables = {
        **{name: _long_table(results, name) for name in ROWS},
        "figure 6": "",
        "figure 14": _upscaler_table(results.upscaler),
        "figure 15": _prompt_table(results.prompts),
    }
    return {
        "summary": _summary(found),
        "measured": _measured(results),
        **{name: "\n\n".join([table, "\n".join(map(str, found[name]))]) for name, table in tables.items()},
        "figure 16": attention_shares(results.attention),
    }


def attention_shares(attention: Result) -> str:
    share = {name: f"{100 * value:.3g} %" for name, value in attention.figures.items()}
    return (
        f"In clip {attention.settings['clip']}, {share['portrait']} of the spatial attention goes to the portrait; an "
        f"even look would give it {share['portrait_if_even']}. The motion frames get {share['motion']} of the temporal "
        f"attention, where an even look would give {share['motion_if_even']}: {share['motion_first']} in the first two "
        f"frames of the clip, {share['motion_last']} in the last two."
    )


def _summary(found: Mapping[str, Sequence[Finding]]) -> str:
    shows = [finding.shows for of_part in found.values() for finding in of_part]
    return (
        f"**Of {len(shows)} findings, {shows.count(True)} agree with the paper, {shows.count(False)} do not, and "
        f"{shows.count(None)} are inconclusive.**"
    )


def _measured(results: Results) -> str:
    dates = sorted({result.measured for result in results.all})
    weights = dict(sorted(item for result in results.all for item in result.weights.items()))
    long, prompt = results.long[BOTH][0].settings, next(iter(results.prompts.values())).settings
    return "\n".join(
        [
            f"- Date: {' to '.join(dict.fromkeys((dates[0], dates[-1])))}. Processor time: "
            f"{sum(result.processor_seconds for result in results.all) / 60:.0f} minutes.",
            f"- Tables 3 to 5, Figures 6 and 12: a video of {long['seconds']:g} s with each setting; number of actors: "
            f"{len(results.long[BOTH])} (the paper's videos ran for 4 minutes). Figure 14: "
            f"{results.upscaler.settings['frames']} frames. Figure 15: {prompt['seconds']:g} s with each prompt.",
            f"- {long['size_px']}×{long['size_px']} px, {long['steps']} steps, guidance {long['guidance']:g}.",
            f"- Weights, by the first digits of their SHA-256: "
            f"{', '.join(f'{name} `{digits}`' for name, digits in weights.items())}.",
        ]
    )


def _long_table(results: Results, name: str) -> str:
    first = {"table 3": "patches", "table 4": "drop rate", "table 5": "motion frames"}[name]
    rows = []
    for row, variant in ROWS[name].items():
        paper = PAPER[variant] if variant in KNOWN[name] else [UNKNOWN] * 3
        rows.append([row, *paper, *(_mean(results.values(variant, column)) for column in COLUMNS)])
    return markdown_table([first, *HEADER], rows)


def _mean(values: Sequence[float]) -> str:
    """With the least and the most, if there are several."""
    spread = f" ({min(values):.3g}–{max(values):.3g})" if len(values) > 1 else ""
    return f"{fmean(values):.3g}{spread}"


def _upscaler_table(upscaler: Result) -> str:
    rows = [
        [name, f"{figure['value']:.3g}", f"{figure['truth']:.3g}" if "truth" in figure else UNKNOWN]
        for name, figure in upscaler.figures.items()
    ]
    return markdown_table([f"at fidelity {upscaler.settings['fidelity']:g}", "measured", "true drawing"], rows)


def _prompt_table(prompts: Mapping[str, Result]) -> str:
    rows = []
    for expression, result in prompts.items():
        own = EXPRESSIONS.index(expression)
        shown = [f"{100 * share:.0f} %" for share in result.figures["shares"]]
        shown[own] = f"**{shown[own]}**"
        rows.append([prompt_of(expression), *shown, f"{100 * result.figures['drawn'][own]:.0f} %"])
    return markdown_table(["prompt", *EXPRESSIONS, "recognized in drawn frames"], rows)
