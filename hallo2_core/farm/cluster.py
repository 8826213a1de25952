"""Runs orders as Ray tasks: Ray decides where, and starts an order again elsewhere if its worker or machine is lost."""

from __future__ import annotations

import logging
import os
import platform
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..errors import Hallo2Error, MissingDependencyError, SettingsError
from .board import Board, Seen
from .orders import Order
from .worker import Progress, Report

if TYPE_CHECKING:
    from ray import ObjectRef
    from ray.actor import ActorHandle

LOOK_SECONDS = 0.5
ANSWER_SECONDS = 10.0
DONE, REFUSED, FAILED = "done", "refused", "failed"
NO_REPORTS_TO_RAY = {"RAY_USAGE_STATS_ENABLED": "0"}

# What a worker does with an order; returns what is known of the finished video.
Work = Callable[[Order, Report], Mapping[str, Any]]
Watch = Callable[[Mapping[int, Seen], Sequence["Outcome"]], None]


@dataclass(frozen=True)
class BoardReport:
    """A `worker.Report` that other workers can use too."""

    board: ActorHandle
    line: int

    def __call__(self, progress: Progress) -> None:
        self.board.note.remote(self.line, progress)


@dataclass(frozen=True)
class Outcome:
    """How an order ended."""

    line: int
    out: str
    state: str
    message: str = ""
    seconds: float = 0.0
    attempts: int = 1
    node: str = ""
    video: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Cluster:
    """address: of a running Ray; None starts one on this machine. gpus: per order; None is 1 if the cluster has any.

    helpers: actors per order that upscale its clips while it is animated, and render its sections, if it asks for that.
    """

    address: str | None = None
    gpus: float | None = None
    cpus: float = 1.0
    retries: int = 3
    helpers: int = 0


def run_orders(orders: Sequence[Order], work: Work, cluster: Cluster, watch: Watch) -> list[Outcome]:
    """In the order of the file. watch: is called twice a second.

    An order that its own input stops is refused and not repeated. One whose worker is lost, or that cannot reach its
    files, starts again up to `retries` times, and resumes from its finished clips. Ctrl-C stops all; finished clips
    stay.
    """
    ray = connected(cluster.address)
    board = ray.remote(num_cpus=0)(Board).remote()
    task = ray.remote(
        num_gpus=gpus_of(cluster), num_cpus=cluster.cpus, max_retries=cluster.retries, retry_exceptions=[OSError]
    )(_carried_out)
    waiting = {task.options(name=order.out).remote(order, work, board): order for order in orders}
    outcomes: dict[int, Outcome] = {}
    try:
        while waiting:
            ready, _ = ray.wait(list(waiting), timeout=LOOK_SECONDS)
            seen = ray.get(board.seen.remote())
            for reference in ready:
                order = waiting.pop(reference)
                outcomes[order.line] = _outcome(ray, reference, order, seen.get(order.line, Seen()))
            watch(seen, list(outcomes.values()))
    finally:
        for reference in waiting:
            ray.cancel(reference)
        if waiting:
            ray.wait(list(waiting), num_returns=len(waiting), timeout=30)
        ray.shutdown()
    return [outcomes[order.line] for order in orders]


def gpus_of(cluster: Cluster) -> float:
    """Per order, or actor. Ray is connected."""
    import ray

    if cluster.gpus is not None:
        return cluster.gpus
    return 1.0 if ray.cluster_resources().get("GPU") else 0.0


def connected(address: str | None, shows_workers: bool = False) -> ModuleType:
    """The module, connected to the cluster at `address`; None starts one on this machine.

    shows_workers: what workers log appears here too.
    """
    os.environ.update(NO_REPORTS_TO_RAY)
    try:
        import ray
    except ImportError as error:
        raise MissingDependencyError.of_extra("A Ray cluster", "ray", "farm", error) from error
    try:
        _check_that_it_answers(address)
        ray.init(
            address=address or "local",
            include_dashboard=None if address or shows_workers else False,
            log_to_driver=shows_workers,
            logging_level=logging.ERROR,
        )
    except (ConnectionError, RuntimeError, ray.exceptions.AuthenticationError) as error:
        raise SettingsError(
            f"No connection to a Ray cluster at '{address or 'local'}' ({' '.join(str(error).split())}). Start one "
            f"with 'ray start --head' and name its address; if it asks for a token, also set RAY_AUTH_MODE=token."
        ) from error
    return ray


def _check_that_it_answers(address: str | None) -> None:
    """Ray itself would try for minutes. Errors: ConnectionError."""
    named = os.environ.get("RAY_ADDRESS") if address == "auto" else address
    host, _, port = (named or "").removeprefix("ray://").rpartition(":")
    if port.isdecimal():
        try:
            socket.create_connection((host.strip("[]"), int(port)), ANSWER_SECONDS).close()
        except OSError as error:
            raise ConnectionError(f"{named}: {error}") from error


def _carried_out(order: Order, work: Work, board: ActorHandle) -> Outcome:
    """On the worker."""
    started, node = time.monotonic(), platform.node()
    board.begin.remote(order.line, node)
    outcome = partial(Outcome, order.line, order.out, node=node)
    try:
        video = work(order, BoardReport(board, order.line))
    except Hallo2Error as error:
        return outcome(REFUSED, message=str(error), seconds=time.monotonic() - started)
    return outcome(DONE, seconds=time.monotonic() - started, video=video)


def _outcome(ray: ModuleType, reference: ObjectRef, order: Order, seen: Seen) -> Outcome:
    try:
        return replace(ray.get(reference), attempts=max(seen.attempts, 1))
    except ray.exceptions.RayError as error:
        reason = str(error).strip().splitlines()[-1]
        return Outcome(order.line, order.out, FAILED, reason, attempts=seen.attempts, node=seen.node)
