"""Chooses the networks on the device: those in use, and as many idle ones as fit beside the working memory."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence

import torch
from torch import nn

HOME = torch.device("cpu")


class Residents:
    """The networks on one device. The least recently used move back to the CPU first."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._networks: OrderedDict[int, nn.Module] = OrderedDict()  # most recently used last
        self.moved_away = 0  # how often a network was moved to the CPU

    @property
    def bytes(self) -> int:
        return sum(map(bytes_of, self._networks.values()))

    def bring(
        self, networks: Sequence[nn.Module], working_bytes: float, free_bytes: Callable[[], float | None]
    ) -> None:
        """Move `networks` to the device, together. Idle ones move to the CPU until these and `working_bytes` fit.

        working_bytes: if infinite, all idle ones move.
        free_bytes: still free there for networks and working memory; None: unknown, taken as enough.
        """
        wanted = {id(network) for network in networks}
        idle = [network for key, network in self._networks.items() if key not in wanted]
        needed = working_bytes + sum(bytes_of(network) for network in networks if id(network) not in self._networks)
        for network in idle:
            if needed < math.inf and _is_enough(free_bytes(), needed):
                break
            self._send_away(network)
        for network in networks:
            if not self._is_here(network):
                network.to(self._device)
            self._networks[id(network)] = network
            self._networks.move_to_end(id(network))

    def send_all_away(self) -> None:
        for network in list(self._networks.values()):
            self._send_away(network)

    def _send_away(self, network: nn.Module) -> None:
        network.to(HOME)
        del self._networks[id(network)]
        self.moved_away += 1

    def _is_here(self, network: nn.Module) -> bool:
        """Checking every layer takes longer than running a small network. 'cuda' without an index is any GPU."""
        first = next(network.parameters(), None)
        if first is None:
            return False
        return first.device.type == self._device.type and self._device.index in (None, first.device.index)


def _is_enough(free: float | None, needed: float) -> bool:
    return free is None or free >= needed


def bytes_of(network: nn.Module) -> int:
    return sum(parameter.nbytes for parameter in network.parameters())
