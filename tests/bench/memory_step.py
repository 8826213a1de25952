"""Memory of a guided step at the released size: `python tests/bench/memory_step.py [--side 512] [--where]`.

Bytes of fp16 tensors alive at the peak, besides the weights, counted on the meta device. Attention is counted as fused:
its logits are never in memory. --where: also the innermost lines of the pack at the peak. Exit status 1 if a step of
512×512 exceeds the limit.

The released code: 2.53 GiB.
"""

from __future__ import annotations

import sys
import traceback
import weakref
from typing import Any

import torch
from meta_clip import MetaClip
from results import META, ROOT, bench_parser, publish
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

LIMIT_GIB = 1.77


@torch.inference_mode()
def main() -> int:
    parser = bench_parser(__doc__)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--where", action="store_true")
    arguments = parser.parse_args()

    video = MetaClip(arguments.side, attention=fused)
    with AliveBytes() as alive:
        conditions = video.clip(*video.portrait())
        constant = alive.now
        alive.restart()
        video.step(conditions)
    sizes = {"constant over the clip": constant, "of the step": alive.peak - constant, "together": alive.peak}
    rows = [{"bytes alive": name, "GiB": round(size / 2**30, 3)} for name, size in sizes.items()]
    if arguments.where:
        print("\n".join(alive.where), file=sys.stderr)
    is_above = arguments.side == 512 and alive.peak > LIMIT_GIB * 2**30
    return publish(rows, META, arguments.json, [f"The step is above {LIMIT_GIB} GiB"] if is_above else [])


def fused(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    """An `AttentionFunction` that allocates what a fused kernel does: the result."""
    return torch.empty_like(q)


class AliveBytes(TorchDispatchMode):
    """Bytes of all tensors made inside and not yet freed. Views count once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self.where: list[str] = []
        self._known: set[int] = set()

    def restart(self) -> None:
        """Forget the peak."""
        self.peak = self.now

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
        made = func(*args, **(kwargs or {}))
        given = {id(x.untyped_storage()) for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)}
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor) and id(tensor.untyped_storage()) not in given:
                self._add(tensor.untyped_storage())
        if self.now > self.peak:
            self.peak = self.now
            frames = traceback.extract_stack()
            ours = (x for x in frames if str(ROOT / "hallo2_core") in x.filename)
            self.where = [f"{x.filename}:{x.lineno} {x.line}" for x in ours]
        return made

    def _add(self, storage: torch.UntypedStorage) -> None:
        key, size = id(storage), storage.nbytes()
        if key in self._known:
            return
        self._known.add(key)
        self.now += size
        weakref.finalize(storage, self._freed, key, size)

    def _freed(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size


if __name__ == "__main__":
    sys.exit(main())
