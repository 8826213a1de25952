"""All videos of a configuration → their caches, by several processes; a stopped run continues where it was."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event
from pathlib import Path

import torch

from ...errors import Cancelled, MemoryShortageError, VideoError
from ...jobs.lock import JobLock
from ...runtime import LocalRuntime, Runtime
from ...video.reader import probe
from ..data_settings import claim_folder
from .cache import cache_settings, remove_others, write_skipped
from .dataset_config import Dataset, read_datasets
from .load_encoders import EncoderFiles, load_encoders
from .prepared_video import Encoders, prepare_video
from .shard_series import VideoReport, finished_report
from .source_videos import SourceVideo, source_videos

Task = tuple[int, SourceVideo]  # the number of the data set


def no_progress(_done: int, _total: int) -> None:
    return None


@dataclass(frozen=True)
class Prepared:
    """A data set's reports, in order of its videos."""

    dataset: Dataset
    videos: tuple[SourceVideo, ...]
    reports: tuple[VideoReport, ...]


def prepare_videos(
    config: Path,
    files: EncoderFiles,
    runtime: Runtime,
    workers: int = 1,
    show: Callable[[int, int], None] = no_progress,
) -> list[Prepared]:
    """show: receives the seconds of video done, and of all. Videos of earlier runs are complete and not counted.

    Errors: SettingsError for the configuration, and for a cache that was made with other settings; JobError if another
    run fills it; CheckpointError; MemoryShortageError if a process is killed.
    """
    datasets = [dataset for dataset in read_datasets(config) if dataset.source]
    videos = [source_videos(dataset) for dataset in datasets]
    encoders = load_encoders(files, runtime)
    with ExitStack() as locks:
        for dataset, own in zip(datasets, videos, strict=True):
            claim_folder(dataset.cache, cache_settings(dataset, encoders, files.face_models))
            locks.enter_context(JobLock(dataset.cache))
            remove_others(dataset.cache, own)
        reports: dict[Task, VideoReport] = {}
        tasks: list[Task] = []
        for number, (dataset, own) in enumerate(zip(datasets, videos, strict=True)):
            for video in own:
                finished = finished_report(dataset.cache, video)
                if finished is None:
                    tasks.append((number, video))
                else:
                    reports[number, video] = finished
        progress = _Progress(tasks, show)
        if workers > 1 and len(tasks) > 1:
            reports |= _side_by_side(datasets, tasks, files, str(runtime.device), min(workers, len(tasks)), progress)
        else:
            for number, video in tasks:
                task = (number, video)
                reports[task] = prepare_video(
                    video, datasets[number], encoders, lambda seconds, task=task: progress.reached(task, seconds)
                )
                progress.finished(task)
        prepared = []
        for number, (dataset, own) in enumerate(zip(datasets, videos, strict=True)):
            made = Prepared(dataset, tuple(own), tuple(reports[number, video] for video in own))
            write_skipped(dataset.cache, made.reports)
            prepared.append(made)
        return prepared


class _Progress:
    """In seconds of video, so that a long one shows progress too."""

    def __init__(self, tasks: list[Task], show: Callable[[int, int], None]) -> None:
        self._seconds = {task: _seconds_of(task[1]) for task in tasks}
        self._done = dict.fromkeys(tasks, 0.0)
        self._show = show
        self._shown = 0

    def reached(self, task: Task, seconds: float) -> None:
        self._done[task] = min(max(seconds, self._done[task]), self._seconds[task])
        total = max(round(sum(self._seconds.values())), 1)
        done = min(round(sum(self._done.values())), total)
        if done > self._shown:
            self._show(done, total)
            self._shown = done

    def finished(self, task: Task) -> None:
        self.reached(task, self._seconds[task])


def _seconds_of(video: SourceVideo) -> float:
    try:
        return probe(video.video).seconds or 1.0
    except VideoError:
        return 1.0


@dataclass(frozen=True)
class _Work:
    """What a worker process has."""

    datasets: list[Dataset]
    encoders: Encoders
    reached: SimpleQueue  # of tasks, and the seconds done of each


_work: _Work | None = None  # set once, in worker processes only


def _side_by_side(
    datasets: list[Dataset], tasks: list[Task], files: EncoderFiles, device: str, workers: int, progress: _Progress
) -> dict[Task, VideoReport]:
    context = get_context("spawn")
    stop, reached = context.Event(), context.SimpleQueue()
    setup = (datasets, files, device, stop, reached, os.getpid())
    pool = ProcessPoolExecutor(workers, context, initializer=_as_worker, initargs=setup)
    try:
        futures = {pool.submit(_prepare, *task): task for task in tasks}
        return dict(_finished(futures, reached, progress))
    except BrokenProcessPool as error:
        raise MemoryShortageError(
            "A process of 'hallo2 prepare' was killed, perhaps because memory ran out. Finished clips are kept: run "
            "the command again, with fewer --workers."
        ) from error
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def _finished(
    futures: dict[Future, Task], reached: SimpleQueue, progress: _Progress
) -> Iterator[tuple[Task, VideoReport]]:
    pending = set(futures)
    while pending:
        done, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
        while not reached.empty():
            progress.reached(*reached.get())
        for future in done:
            task = futures[future]
            yield task, future.result()
            progress.finished(task)


class _WorkerRuntime(LocalRuntime):
    """Cancels when the first process asks for it, or is gone."""

    def __init__(self, device: str, stop: Event, parent: int) -> None:
        super().__init__(device)
        self._stop, self._parent = stop, parent

    def check_cancelled(self) -> None:
        if self._stop.is_set() or os.getppid() != self._parent:
            raise Cancelled


def _as_worker(
    datasets: list[Dataset], files: EncoderFiles, device: str, stop: Event, reached: SimpleQueue, parent: int
) -> None:
    """One thread; Ctrl+C is left to the first process."""
    global _work
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    _work = _Work(datasets, load_encoders(files, _WorkerRuntime(device, stop, parent)), reached)


def _prepare(number: int, video: SourceVideo) -> VideoReport:
    assert _work is not None, "set by _as_worker"
    work, task = _work, (number, video)
    return prepare_video(video, work.datasets[number], work.encoders, lambda seconds: work.reached.put((task, seconds)))
