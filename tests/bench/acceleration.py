"""Quality against cost of accelerated sampling: which combinations are worth their loss?

    python tests/bench/acceleration.py --write      # into docs/performance.md, with the plot
    python tests/bench/acceleration.py --steps 40 --only exact,balanced,fast --clips 4 --seconds 2.56

Videos of held-back faces and voices by the small model, each beside the exact one of the same seed: of 40 steps, as in
the release, and of the demo's 10. A combination's loss is the largest of its relative losses in lip sync, identity,
seam jump and sharpness. Its cost is counted for the released model at 512×512 on the meta device, with decoding. The
Pareto front is marked, and the best combination below each limit is named. Needs espeak-ng.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

import torch

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent), str(ROOT / "tools")]

from clip_cost import released_cost  # noqa: E402
from doc_blocks import fill_blocks, markdown_table  # noqa: E402
from quality.arguments import add_video_arguments  # noqa: E402
from quality.clips import SPLIT, Settings, SmallPipeline  # noqa: E402
from quality.cost import ClipCost  # noqa: E402
from quality.loss import Judge, Quality, decibels_between  # noqa: E402
from quality.pareto import Point, draw_points, front  # noqa: E402

from hallo2_core.animation.acceleration import DPM_SOLVER, EXACT, EXACTLY, PRESETS, Acceleration  # noqa: E402
from hallo2_core.storage.file_hash import sha256_of  # noqa: E402
from hallo2_core.training.actor_recognition import actor_recognizer  # noqa: E402
from hallo2_core.training.mouth_reading import mouth_reader  # noqa: E402

PAGE, PLOT = ROOT / "docs" / "performance.md", ROOT / "docs" / "images" / "acceleration.png"
LIMITS = {"balanced": (0.45, 0.01), "fast": (0.20, 0.03)}  # preset → most of the operations, and most of the loss
HALF = Acceleration(DPM_SOLVER, step_share=0.5)
QUARTER = Acceleration(DPM_SOLVER, step_share=0.25)
GRID: Mapping[str, Acceleration] = {
    "2m, 1/2 of the steps": HALF,
    "2m, 1/2, guided to 0.5": replace(HALF, guided_until=0.5),
    "2m, 1/2, guided from 0.5": replace(HALF, guided_from=0.5),
    "2m, 1/2, uncond. 1 in 2": replace(HALF, unconditional_every=2),
    "2m, 1/2, deep 1 in 2": replace(HALF, deep_every=2),
    "2m, 1/2, deep 1 in 4": replace(HALF, deep_every=4),
    "2m, 1/4": QUARTER,
    "ddim, 1/4": Acceleration(step_share=0.25),
    "2m, 1/4, uncond. 1 in 3": replace(QUARTER, unconditional_every=3),
}


@dataclass(frozen=True)
class Result:
    """A combination at a number of steps."""

    name: str
    acceleration: Acceleration
    steps: int
    share: float  # of the exact operations
    seconds: float  # of processor time, for the small model
    quality: Quality
    losses: Mapping[str, float]
    decibels: float | None  # to the exact video; None: it is the exact one

    @property
    def loss(self) -> float:
        return max(self.losses.values())


class Search:
    def __init__(self, arguments: argparse.Namespace) -> None:
        self._pipeline = SmallPipeline(arguments.joint, arguments.vae, arguments.speech, Settings())
        self._seeds = range(arguments.first, arguments.first + arguments.clips)
        self._seconds = arguments.seconds
        readers = [mouth_reader(seed, SPLIT, Settings.size_px) for seed in self._seeds]
        self._judge, self._cost = Judge(actor_recognizer(), readers), released_cost()

    @property
    def cost(self) -> ClipCost:
        return self._cost

    def results(self, steps: int, combinations: Mapping[str, Acceleration]) -> list[Result]:
        """The exact video first."""
        found: list[Result] = []
        for name, acceleration in {EXACTLY: EXACT, **combinations}.items():
            self._pipeline.settings = Settings(steps=steps, acceleration=acceleration)
            started = time.process_time()
            clips = [self._pipeline.clip(seed, self._seconds) for seed in self._seeds]
            seconds = time.process_time() - started
            quality = self._judge.quality(clips, Settings.clip_frames)
            if not found:
                exact = clips
            losses = quality.losses(found[0].quality if found else quality)
            decibels = decibels_between(clips, exact) if found else None
            share = self._cost.share(acceleration, steps)
            found.append(Result(name, acceleration, steps, share, seconds, quality, losses, decibels))
            sys.stderr.write(f"{steps} steps, {name}: {100 * share:.1f} %, {losses}, {decibels} dB, {seconds:.0f} s\n")
        return found


def main() -> int:
    arguments = _parser().parse_args()
    torch.set_num_threads(arguments.threads)
    started, search = time.process_time(), Search(arguments)
    chosen = {name: each for name, each in PRESETS.items() if name != EXACTLY}
    chosen |= {name: each for name, each in GRID.items() if each not in chosen.values()}
    if arguments.only:
        chosen = {name: each for name, each in chosen.items() if name in arguments.only.split(";")}
    found = {int(steps): search.results(int(steps), chosen) for steps in arguments.steps.split(",")}
    parts = [report(steps, search.cost.of(EXACT, steps), results) for steps, results in found.items()]
    measured = (
        f"Held-back actors: {arguments.clips}, {arguments.seconds:g} s of each, {Settings.size_px}×{Settings.size_px}, "
        f"guidance {Settings.guidance:g}; weights {sha256_of(arguments.joint)[:8]}, {date.today()}; "
        f"{time.process_time() - started:.0f} processor seconds."
    )
    text = "\n\n".join([*parts, measured])
    print(text)
    if arguments.json:
        arguments.json.write_text(json.dumps([as_json(each) for rows in found.values() for each in rows], indent=1))
    if arguments.write:
        fill_blocks(PAGE, {"acceleration": text})
        panels = {f"{steps} steps": list(map(point, rows[1:])) for steps, rows in found.items()}
        draw_points(panels).save(PLOT, optimize=True)
    return 0


def point(result: Result) -> Point:
    return Point(result.name, result.share, result.loss)


def report(steps: int, exact_tera: float, results: Sequence[Result]) -> str:
    """Markdown."""
    title = f"Beside {steps} exact steps ({exact_tera:.0f} TFLOP a clip of the released model):"
    return "\n\n".join([title, table(results), *best_of(results)])


def table(results: Sequence[Result]) -> str:
    """The costliest first; the Pareto front is in bold."""
    best = {each.name for each in front(list(map(point, results)))}
    header = ["", "operations", "CPU s", "loss", "sync", "identity", "seam jump", "sharpness", "PSNR to exact, dB"]
    rows = []
    for each in sorted(results, key=lambda result: -result.share):
        values = each.quality
        cells = [
            f"**{each.name}**" if each.name in best else each.name,
            f"{100 * each.share:.1f} %",
            f"{each.seconds:.0f}",
            f"{100 * each.loss:.1f} %",
            f"{values.sync:.3f}",
            f"{values.identity:.3f}",
            f"{values.seam_jump:.2f}",
            f"{values.sharpness:.4f}",
            "" if each.decibels is None else f"{each.decibels:.1f}",
        ]
        rows.append(cells)
    return markdown_table(header, rows)


def best_of(results: Sequence[Result]) -> list[str]:
    """For each preset: the combination with the least loss below its limit of operations."""
    lines = []
    for preset, (most_share, most_loss) in LIMITS.items():
        cheap = [each for each in results[1:] if each.share <= most_share]
        if cheap:
            best = min(cheap, key=lambda result: result.loss)
            verdict = "reached" if best.loss <= most_loss else "missed"
            lines.append(
                f"Least loss with at most {100 * most_share:.0f} % of the operations: {best.name}, "
                f"{100 * best.loss:.1f} % (goal of {preset}: {100 * most_loss:.0f} %, {verdict})."
            )
    return lines


def as_json(result: Result) -> dict[str, object]:
    return asdict(result) | {"loss": result.loss}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_video_arguments(parser, clips=2)
    parser.add_argument("--steps", default="40,10", help="of the exact videos (40,10)")
    parser.add_argument("--only", metavar="NAMES", help="these presets and combinations, separated by ';'")
    parser.add_argument("--write", action="store_true", help=f"the tables into {PAGE.name}, and its plot")
    return parser


if __name__ == "__main__":
    sys.exit(main())
