"""Plan a farm: `python tests/bench/farm_plan.py [--minutes 3] [--clip-seconds 22] …`

A model (hallo2_core/farm/simulation.py) of 1 to 1000 cards: how long videos wait, how busy the cards are, and what an
hour of video costs. By default a card is an RTX 4090 that reaches half of its rate, by the counted operations of
docs/performance.md: computed, not measured. Pass your own seconds per clip of 16 frames, once you have measured them.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from results import CPU, bench_parser, publish

from hallo2_core.farm.simulation import CLIP_SECONDS, HOUR, Cards, Costs, Demand, Plan, simulate

NUMBERS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
LOADS = (0.5, 0.8, 0.95)  # of what the cards could do without failures
WIDTH_PX, HEIGHT_PX, LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 900, 420, 90, 160, 40, 50
PAPER, FRAME, GRID, TEXT = "#ffffff", "#808080", "#e4e4e4", "#202020"
LINES = ("#2f8f4e", "#1f5fa8", "#d03a2b")


def main() -> int:
    parser = bench_parser(__doc__)
    parser.add_argument("--minutes", type=float, default=3.0, help="mean length of a video (3)")
    parser.add_argument("--spread", type=float, default=1.0, help="of the lengths: deviation of their logarithm (1)")
    parser.add_argument("--upscaled", type=float, default=0.5, help="share of the videos that are enlarged (0.5)")
    parser.add_argument("--clip-seconds", type=float, default=22.4, help="a card's, for a clip of 16 frames (22.4)")
    parser.add_argument("--upscaled-clip-seconds", type=float, default=8.0, help="the same, to enlarge it (8)")
    parser.add_argument("--start-seconds", type=float, default=30.0, help="to load the weights (30)")
    parser.add_argument("--failure-hours", type=float, default=200.0, help="between failures of a card (200)")
    parser.add_argument("--repair-hours", type=float, default=1.0, help="until a failed card is back (1)")
    parser.add_argument("--price", type=float, default=0.5, help="of a card's hour (0.5)")
    parser.add_argument("--plot", type=Path, metavar="PNG", help="also draw the waiting times")
    arguments = parser.parse_args()
    costs = Costs(arguments.clip_seconds, arguments.upscaled_clip_seconds, arguments.start_seconds)
    found: dict[float, list[tuple[int, Plan]]] = {load: [] for load in LOADS}
    rows = []
    for number in NUMBERS:
        cards = Cards(number, arguments.failure_hours, arguments.repair_hours, arguments.price)
        for load in LOADS:
            rate = load * number * HOUR / seconds_of_a_video(arguments, costs)
            demand = Demand(rate, arguments.minutes, arguments.spread, arguments.upscaled)
            plan = simulate(cards, demand, costs, videos=max(2000, 20 * number))
            found[load].append((number, plan))
            rows.append(row_of(number, load, rate, plan))
    if arguments.plot is not None:
        draw(found).save(arguments.plot)
    return publish(rows, CPU, arguments.json)


def seconds_of_a_video(arguments: argparse.Namespace, costs: Costs) -> float:
    """A card's work on a video of mean length."""
    clips = arguments.minutes * 60 / CLIP_SECONDS
    per_clip = costs.clip + arguments.upscaled * costs.upscaled_clip
    return costs.start * (1 + arguments.upscaled) + clips * per_clip


def row_of(number: int, load: float, rate: float, plan: Plan) -> dict[str, object]:
    return {
        "cards": number,
        "load": load,
        "videos an hour": round(rate, 2),
        "hours of video a day": round(24 * plan.video_hours / plan.hours, 1),
        "mean wait, min": round(60 * plan.mean_wait, 1),
        "95 % wait less than, min": round(60 * plan.wait_95, 1),
        "finished after, min": round(60 * plan.mean_turnaround, 1),
        "busy": round(plan.busy, 2),
        "failures": plan.failures,
        "price of an hour of video": round(plan.price_per_video_hour, 1),
    }


def draw(found: dict[float, list[tuple[int, Plan]]]) -> Image.Image:
    """The time until 95 of 100 videos have begun, over the number of cards; both axes logarithmic."""
    picture = Image.new("RGB", (WIDTH_PX, HEIGHT_PX), PAPER)
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(13)
    right, bottom = WIDTH_PX - RIGHT_PX, HEIGHT_PX - BOTTOM_PX
    marks = (0.1, 1, 10, 100, 1000)  # minutes

    def place(number: float, minutes: float) -> tuple[float, float]:
        across = math.log10(number) / math.log10(NUMBERS[-1])
        up = math.log10(min(max(minutes, marks[0]), marks[-1]) / marks[0]) / math.log10(marks[-1] / marks[0])
        return LEFT_PX + across * (right - LEFT_PX), bottom - up * (bottom - TOP_PX)

    for number in NUMBERS:
        x, _ = place(number, 1)
        pen.line([(x, TOP_PX), (x, bottom)], GRID)
        pen.text((x, bottom + 8), str(number), TEXT, font, anchor="ma")
    for minutes in marks:
        _, y = place(1, minutes)
        pen.line([(LEFT_PX, y), (right, y)], GRID)
        pen.text((LEFT_PX - 8, y), f"{minutes:g} min", TEXT, font, anchor="rm")
    pen.rectangle([LEFT_PX, TOP_PX, right, bottom], outline=FRAME)
    pen.text((LEFT_PX, TOP_PX - 24), "95 of 100 videos wait less than this, over the number of cards", TEXT, font)
    for (load, plans), color in zip(found.items(), LINES, strict=True):
        corners = [place(number, 60 * plan.wait_95) for number, plan in plans]
        pen.line(corners, color, 2)
        pen.text((right + 8, _legend_y(load)), f"load {100 * load:.0f} %", color, font, anchor="lm")
    return picture


def _legend_y(load: float) -> float:
    return TOP_PX + 20 * (1 + sorted(LOADS, reverse=True).index(load))


if __name__ == "__main__":
    sys.exit(main())
