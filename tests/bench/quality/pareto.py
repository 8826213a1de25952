"""Loss over cost: the Pareto front, and a plot drawn with Pillow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

WIDTH_PX, PANEL_PX = 1000, 420
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 70, 30, 40, 50
PAPER, FRAME, GRID, TEXT = "#ffffff", "#808080", "#e4e4e4", "#202020"
ON_FRONT, BEHIND = "#1f5fa8", "#9a9a9a"
MARKS = 5


@dataclass(frozen=True)
class Point:
    name: str
    share: float  # of the exact operations
    loss: float


def front(points: Sequence[Point]) -> list[Point]:
    """Those that no other point beats in cost and loss, the cheapest first."""
    found: list[Point] = []
    for point in sorted(points, key=lambda each: (each.share, each.loss)):
        if not found or point.loss < found[-1].loss:
            found.append(point)
    return found


def draw_points(panels: Mapping[str, Sequence[Point]]) -> Image.Image:
    """One panel per title: operations to the right, loss upward, both in percent of the exact video's."""
    picture = Image.new("RGB", (WIDTH_PX, PANEL_PX * len(panels)), PAPER)
    for row, (title, points) in enumerate(panels.items()):
        _Panel(picture, row * PANEL_PX, points).draw(title)
    return picture


class _Panel:
    def __init__(self, picture: Image.Image, top: int, points: Sequence[Point]) -> None:
        self.pen, self.font = ImageDraw.Draw(picture), ImageFont.load_default(13)
        self.left, self.right = LEFT_PX, WIDTH_PX - RIGHT_PX
        self.top, self.bottom = top + TOP_PX, top + PANEL_PX - BOTTOM_PX
        self.points = points
        self.most_share = 1.1 * max(point.share for point in points)
        self.most_loss = 1.1 * max(max(point.loss for point in points), 1e-3)

    def draw(self, title: str) -> None:
        self.pen.text((self.left, self.top - 24), f"{title}: loss (%) over operations (%)", TEXT, self.font)
        for mark in range(MARKS + 1):
            share, loss = mark / MARKS * self.most_share, mark / MARKS * self.most_loss
            x, y = self._place(share, loss)
            self.pen.line([(x, self.top), (x, self.bottom)], GRID)
            self.pen.line([(self.left, y), (self.right, y)], GRID)
            self.pen.text((x, self.bottom + 8), f"{100 * share:.0f}", TEXT, self.font, anchor="ma")
            self.pen.text((self.left - 8, y), f"{100 * loss:.1f}", TEXT, self.font, anchor="rm")
        self.pen.rectangle([self.left, self.top, self.right, self.bottom], outline=FRAME)
        best = front(self.points)
        corners = [self._place(point.share, point.loss) for point in best]
        self.pen.line(corners if len(corners) > 1 else corners * 2, ON_FRONT, 1)
        for (x, y), points in self._by_place().items():
            color = ON_FRONT if any(point in best for point in points) else BEHIND
            self.pen.ellipse([x - 4, y - 4, x + 4, y + 4], color)
            is_right = x > (self.left + self.right) / 2
            names = " = ".join(point.name for point in points)
            self.pen.text((x - 8 if is_right else x + 8, y - 3), names, color, self.font, "rd" if is_right else "ld")

    def _by_place(self) -> Mapping[tuple[int, int], list[Point]]:
        """Pixel → the points there: combinations can come to the same."""
        places: dict[tuple[int, int], list[Point]] = {}
        for point in self.points:
            x, y = self._place(point.share, point.loss)
            places.setdefault((round(x), round(y)), []).append(point)
        return places

    def _place(self, share: float, loss: float) -> tuple[float, float]:
        return (
            self.left + share / self.most_share * (self.right - self.left),
            self.bottom - loss / self.most_loss * (self.bottom - self.top),
        )
