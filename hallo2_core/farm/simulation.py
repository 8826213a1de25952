"""A model of a farm, to plan with: from arrivals, costs per clip and failures to waiting times and prices.

A video is animated on one card, clip after clip, because each clip continues the one before. Enlarging it is divided
into pieces for any cards, once it is animated. A card that fails loses the clip it was making; another card, after
loading the weights, goes on with the next one. First come, first served.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from math import ceil

import numpy as np

CLIP_SECONDS = 16 / 25  # of video: 16 frames at 25 per second
HOUR = 3600.0


@dataclass(frozen=True)
class Costs:
    """Seconds of one card."""

    clip: float  # to animate one clip
    upscaled_clip: float  # to enlarge one clip
    start: float  # to load the weights and prepare


@dataclass(frozen=True)
class Demand:
    """Videos arrive independently of each other (Poisson). Their lengths are log-normal."""

    videos_per_hour: float
    mean_minutes: float
    spread: float = 1.0  # standard deviation of the logarithm of the length
    upscaled_share: float = 1.0  # of the videos


@dataclass(frozen=True)
class Cards:
    """Failures are exponential, only while a card works."""

    number: int
    hours_between_failures: float  # of one card
    repair_hours: float
    price_per_hour: float  # of one card, working or not


@dataclass(frozen=True)
class Plan:
    """What the model says. Times in hours."""

    videos: int
    video_hours: float  # finished, in all
    hours: float  # of arrivals: shares and prices are of this time, not of the last long videos after it
    mean_wait: float  # from arrival to the first clip's beginning
    wait_95: float  # 95 of 100 wait less
    mean_turnaround: float  # from arrival to the finished file
    busy: float  # share of the cards' time that is work
    failures: int
    price_per_video_hour: float


@dataclass
class _Video:
    arrival: float
    clips: int
    is_upscaled: bool
    began: float = -1.0
    ended: float = -1.0
    pieces: int = 0  # of enlarging, unfinished


@dataclass(frozen=True)
class _Task:
    video: _Video
    clips: int  # left
    is_upscaling: bool


@dataclass
class _State:
    horizon: float  # the last arrival
    now: float = 0.0
    busy_seconds: float = 0.0
    failures: int = 0
    waiting: deque[_Task] = field(default_factory=deque)

    def work(self, seconds: float) -> float:
        """From now on. Returns its end."""
        end = self.now + seconds
        self.busy_seconds += max(min(end, self.horizon) - self.now, 0.0)
        return end


def simulate(cards: Cards, demand: Demand, costs: Costs, videos: int, piece_clips: int = 100, seed: int = 0) -> Plan:
    """videos: in all. piece_clips: how much of a video one card enlarges before the piece is finished."""
    rng = np.random.default_rng(seed)
    arrivals = np.cumsum(rng.exponential(HOUR / demand.videos_per_hour, videos))
    # exp(m + s z) has the mean exp(m + s^2 / 2).
    lengths = rng.lognormal(np.log(demand.mean_minutes * 60.0) - demand.spread**2 / 2, demand.spread, videos)
    enlarged = rng.random(videos) < demand.upscaled_share
    all_videos = [
        _Video(float(arrival), max(ceil(length / CLIP_SECONDS), 1), bool(is_upscaled))
        for arrival, length, is_upscaled in zip(arrivals, lengths, enlarged, strict=True)
    ]
    state, numbers = _State(float(arrivals[-1])), count()
    events: list[tuple[float, int, str, _Task | None]] = [
        (video.arrival, next(numbers), "arrives", _Task(video, video.clips, False)) for video in all_videos
    ]
    heapq.heapify(events)
    free = cards.number
    while events:
        state.now, _, what, task = heapq.heappop(events)
        if what == "arrives":
            state.waiting.append(task)
        elif what == "repaired":
            free += 1
        elif what == "fails":
            state.failures += 1
            state.waiting.appendleft(task)
            heapq.heappush(events, (state.now + cards.repair_hours * HOUR, next(numbers), "repaired", None))
        else:
            free += 1
            _end(task, state, piece_clips)
        while free and state.waiting:
            free -= 1
            next_event = _start(state.waiting.popleft(), state, cards, costs, rng)
            heapq.heappush(events, (next_event[0], next(numbers), *next_event[1:]))
    return _plan(all_videos, state, cards)


def _start(
    task: _Task, state: _State, cards: Cards, costs: Costs, rng: np.random.Generator
) -> tuple[float, str, _Task]:
    """When the card is done with the task, or fails; and the task as it is then."""
    if task.video.began < 0:
        task.video.began = state.now
    per_clip = costs.upscaled_clip if task.is_upscaling else costs.clip
    needed = costs.start + task.clips * per_clip
    failure = rng.exponential(cards.hours_between_failures * HOUR)
    if failure >= needed:
        return state.work(needed), "ends", task
    finished = int(max(failure - costs.start, 0.0) / per_clip)
    return state.work(failure), "fails", _Task(task.video, task.clips - finished, task.is_upscaling)


def _end(task: _Task, state: _State, piece_clips: int) -> None:
    video = task.video
    if not task.is_upscaling and video.is_upscaled:
        pieces = [min(piece_clips, video.clips - first) for first in range(0, video.clips, piece_clips)]
        video.pieces = len(pieces)
        state.waiting.extend(_Task(video, clips, True) for clips in pieces)
        return
    video.pieces -= task.is_upscaling
    if not video.pieces:
        video.ended = state.now


def _plan(videos: list[_Video], state: _State, cards: Cards) -> Plan:
    waits = np.array([video.began - video.arrival for video in videos]) / HOUR
    turnarounds = np.array([video.ended - video.arrival for video in videos]) / HOUR
    hours = state.horizon / HOUR
    video_hours = sum(video.clips for video in videos) * CLIP_SECONDS / HOUR
    return Plan(
        videos=len(videos),
        video_hours=video_hours,
        hours=hours,
        mean_wait=float(waits.mean()),
        wait_95=float(np.percentile(waits, 95)),
        mean_turnaround=float(turnarounds.mean()),
        busy=state.busy_seconds / HOUR / (hours * cards.number),
        failures=state.failures,
        price_per_video_hour=hours * cards.number * cards.price_per_hour / video_hours,
    )
