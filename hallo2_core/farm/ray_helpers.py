"""Helpers as Ray actors, started from within an order's task: if that task's worker is lost, Ray ends them too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING

from .cluster import Cluster, gpus_of
from .crew import Helpers, Piece, Worker

if TYPE_CHECKING:
    from ray import ObjectRef
    from ray.actor import ActorHandle


def ray_helpers(make: Callable[[], Worker], cluster: Cluster) -> Helpers:
    """make: called in the actor's process. Each takes as much of the cluster as an order does."""
    import ray

    actor = ray.remote(num_gpus=gpus_of(cluster), num_cpus=cluster.cpus)(HelpingActor)
    lost = (ray.exceptions.RayActorError, OSError)
    return Helpers(lambda: RayHelper(actor.remote(make)), lost, most=cluster.helpers, losses=cluster.retries)


class HelpingActor:
    """On the actor's machine."""

    def __init__(self, make: Callable[[], Worker]) -> None:
        self._worker = make()

    def arithmetic(self) -> Mapping[str, str]:
        return self._worker.arithmetic()

    def do(self, piece: Piece) -> None:
        self._worker.do(piece)


class RayHelper:
    """A `crew.Helper`."""

    def __init__(self, actor: ActorHandle) -> None:
        self._actor = actor
        self._latest: Future | None = None

    def arithmetic(self) -> Future[Mapping[str, str]]:
        return self._begun(self._actor.arithmetic.remote())

    def do(self, piece: Piece) -> Future[None]:
        return self._begun(self._actor.do.remote(piece))

    def stop(self) -> None:
        """An idle one ends by itself, and removes its temporary files."""
        import ray

        if self._latest is not None and self._latest.done() and self._latest.exception() is None:
            self._actor.__ray_terminate__.remote()
        else:
            ray.kill(self._actor)

    def _begun(self, result: ObjectRef) -> Future:
        self._latest = result.future()
        return self._latest
