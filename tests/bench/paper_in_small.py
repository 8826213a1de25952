"""The paper's tables 3, 4, 5 and Figures 6, 12, 14, 15, 16 with the small model: writes docs/paper_in_small.md.

    make paper                                                       # about 11 processor minutes on one core
    python tests/bench/paper_in_small.py --seconds 600 --actors 1    # videos of ten minutes: about 9 hours

Every result is kept in output/paper as soon as it is measured. After a stop, the same command goes on from there. What
was measured with other weights or settings is measured again. Needs espeak-ng.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import fields
from pathlib import Path

import torch

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tools"), str(Path(__file__).parent)]

from doc_blocks import fill_blocks  # noqa: E402
from paper import prompts  # noqa: E402
from paper.long_videos import SHOWN  # noqa: E402
from paper.measuring import Budget, Paper, long_name, prompted_name  # noqa: E402
from paper.page import ROWS, attention_shares, blocks  # noqa: E402
from paper.pictures import curves, rows_of_frames  # noqa: E402
from paper.results import Results  # noqa: E402
from PIL import Image  # noqa: E402

from hallo2_core.errors import Hallo2Error  # noqa: E402
from hallo2_core.training.cartoons import EXPRESSIONS  # noqa: E402

LEAST_SECONDS = 1.28  # two clips, so that there is a seam, and more than a second for an expression to come
OPTIONS = {
    "seconds": "length of the videos of tables 3 to 5",
    "actors": "how many actors these videos have",
    "first": "seed of the first actor",
    "text_seconds": "length of the video with each prompt",
    "upscaled_frames": "frames that are upscaled",
    "fidelity": "of the upscaler; make demo has the same",
    "clip": "whose attention is shown, counted from 0",
}
TILE_PX, LARGE_TILE_PX, WEBP_QUALITY = 112, 360, 80


def main() -> None:
    arguments = _parser().parse_args()
    budget = Budget(**{field.name: getattr(arguments, field.name) for field in fields(Budget)})
    if min(budget.seconds, budget.text_seconds) < LEAST_SECONDS or budget.actors < 1 or budget.upscaled_frames < 2:
        sys.exit(f"Videos need {LEAST_SECONDS} s or more, one actor or more, and two upscaled frames or more.")
    torch.set_num_threads(arguments.threads)
    paper = Paper(budget, arguments.kept)
    try:
        results = paper.results()
    except Hallo2Error as error:
        sys.exit(str(error))
    draw_pictures(paper, results, arguments.docs / "images")
    fill_blocks(arguments.docs / "paper_in_small.md", blocks(results))
    fill_blocks(arguments.docs / "attention_maps.md", {"shares": attention_shares(results.attention)})
    minutes = sum(result.processor_seconds for result in results.all) / 60
    print(f"{arguments.docs / 'paper_in_small.md'}: {len(results.all)} results, {minutes:.1f} processor minutes in all")


def draw_pictures(paper: Paper, results: Results, folder: Path) -> None:
    seconds, first, table = paper.budget.seconds, paper.budget.first, ROWS["table 5"]
    lines = {name: results.over_time(variant) for name, variant in table.items()}
    plot = curves(lines, seconds, "distance to drawn frames, in each window")
    plot.save(folder / "paper_over_time.png", optimize=True)

    times = [f"{seconds * place / (SHOWN - 1):.3g} s" for place in range(SHOWN)]
    strips = {name: Image.open(paper.picture(long_name(variant, first))) for name, variant in table.items()}
    _save(rows_of_frames(strips, times, TILE_PX), folder / "paper_motion_frames.webp")

    strips = {expression: Image.open(paper.picture(prompted_name(expression))) for expression in EXPRESSIONS}
    _save(rows_of_frames(strips, [""] * prompts.SHOWN, TILE_PX), folder / "paper_prompts.webp")

    titles = ["bicubic enlargement", "upscaler", "true drawing"]
    _save(
        rows_of_frames({"": Image.open(paper.picture("upscaler"))}, titles, LARGE_TILE_PX),
        folder / "paper_upscaler.webp",
    )
    shutil.copyfile(paper.picture("attention"), folder / "attention_maps_demo.png")


def _save(picture: Image.Image, path: Path) -> None:
    picture.save(path, quality=WEBP_QUALITY, method=6)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for field in fields(Budget):
        option, meaning = f"--{field.name.replace('_', '-')}", f"{OPTIONS[field.name]} ({field.default})"
        parser.add_argument(option, type=type(field.default), default=field.default, help=meaning)
    parser.add_argument("--kept", type=Path, default=ROOT / "output" / "paper", help="results (output/paper)")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="where the pages are")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (1)")
    return parser


if __name__ == "__main__":
    main()
