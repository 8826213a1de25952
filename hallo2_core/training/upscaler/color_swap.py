"""Colors in another order, so that all of them are learned."""

from __future__ import annotations

import torch


def swapped_colors(ratio: float, draws: torch.Generator) -> list[int]:
    """The order of a sample's channels: in `ratio` of the samples a random one, else red, green, blue.

    Faces differ in brightness, and from orange to blue. The axis from green to magenta is so weak in them that it is
    lost between encoder and generator, and green walls become gray.
    """
    is_swapped, order = torch.rand((), generator=draws) < ratio, torch.randperm(3, generator=draws)
    return order.tolist() if is_swapped else [0, 1, 2]
