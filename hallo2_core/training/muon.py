"""Muon: momentum with orthogonalized updates, for matrices and convolutions (Jordan et al., 2024).

A small network trains about twice as fast as with Adam, at 10 to 20 % more work per step. Vectors, and input and
output layers, stay with Adam.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic, which maps singular values close to 1
ITERATIONS = 5


def orthogonalized(matrices: Tensor) -> Tensor:
    """matrices: (b r c).  Returns them with all singular values near 1 (0.7 to 1.2), by Newton-Schulz iteration."""
    a, b, c = COEFFICIENTS
    is_tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if is_tall else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.mT if is_tall else x


class Muon(torch.optim.Optimizer):
    """Parameters of two or more dimensions; a convolution counts as the matrix (out, in × kernel)."""

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float = 0.02,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """dtype: of the iteration; bfloat16 is sufficient, and faster if the machine supports it."""
        self.dtype = dtype
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        if any(parameter.ndim < 2 for group in self.param_groups for parameter in group["params"]):
            raise ValueError("Muon takes matrices and convolutions; use another optimizer for vectors")

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> None:
        assert closure is None, "Muon takes no closure"
        for group in self.param_groups:
            alike = defaultdict(list)  # matrices of equal shape are iterated as one batch
            for parameter in group["params"]:
                if parameter.grad is not None:
                    alike[parameter.shape[0], parameter[0].numel()].append(parameter)
            for (rows, columns), parameters in alike.items():
                self._step_alike(parameters, rows, columns, group)

    def _step_alike(self, parameters: list[nn.Parameter], rows: int, columns: int, group: dict[str, float]) -> None:
        momentum, lr = group["momentum"], group["lr"]
        gradients = [parameter.grad for parameter in parameters]
        averages = [self._average(parameter) for parameter in parameters]
        torch._foreach_lerp_(averages, gradients, 1.0 - momentum)
        ahead = torch._foreach_lerp(gradients, averages, momentum)  # Nesterov's
        updates = orthogonalized(torch.stack([update.reshape(rows, columns).to(self.dtype) for update in ahead]))
        scale = max(1.0, rows / columns) ** 0.5
        for parameter, update in zip(parameters, updates, strict=True):
            parameter.mul_(1.0 - lr * group["weight_decay"])
            parameter.add_(update.reshape(parameter.shape).to(parameter.dtype), alpha=-lr * scale)

    def _average(self, parameter: nn.Parameter) -> Tensor:
        state = self.state[parameter]
        if "average" not in state:
            state["average"] = torch.zeros_like(parameter)
        return state["average"]
