"""Helpers as Ray actors, started from within an order's task: if that task's worker is lost, Ray ends them too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING

from ..upscaling.pieces import Piece
from .cluster import Cluster, gpus_of
from .crew import Helpers
from .enlarger import Enlarger

if TYPE_CHECKING:
    from ray.actor import ActorHandle


def ray_helpers(make: Callable[[], Enlarger], cluster: Cluster) -> Helpers:
    """make: called in the actor's process. Each takes as much of the cluster as an order does."""
    import ray

    actor = ray.remote(num_gpus=gpus_of(cluster), num_cpus=cluster.cpus)(EnlargingActor)
    lost = (ray.exceptions.RayActorError, OSError)
    return Helpers(lambda: RayHelper(actor.remote(make)), lost, most=cluster.upscalers, losses=cluster.retries)


class EnlargingActor:
    """On the actor's machine."""

    def __init__(self, make: Callable[[], Enlarger]) -> None:
        self._enlarger = make()

    def arithmetic(self) -> Mapping[str, str]:
        return self._enlarger.arithmetic()

    def enlarge(self, piece: Piece) -> None:
        self._enlarger.enlarge(piece)


class RayHelper:
    """A `crew.Helper`."""

    def __init__(self, actor: ActorHandle) -> None:
        self._actor = actor

    def arithmetic(self) -> Future[Mapping[str, str]]:
        return self._actor.arithmetic.remote().future()

    def enlarge(self, piece: Piece) -> Future[None]:
        return self._actor.enlarge.remote(piece).future()

    def stop(self) -> None:
        import ray

        ray.kill(self._actor)
