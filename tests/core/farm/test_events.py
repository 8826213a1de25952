"""What a program that started the farm is told, and how it reads it."""

import io
import json
import os
import time

import pytest

from hallo2_core.errors import Cancelled
from hallo2_core.farm.board import Seen
from hallo2_core.farm.cluster import DONE, REFUSED, Outcome
from hallo2_core.farm.events import Event, Events
from hallo2_core.farm.orders import Order
from hallo2_core.farm.report import progress_lines, results, share_done, unfinished
from hallo2_core.farm.worker import Progress

ANNA, BEN = Order(1, {"out": "/talks/anna.mp4"}), Order(3, {"out": "/talks/ben.mp4"}, {"scale": 4})

MADE = {"out": "/talks/anna-2.mp4", "frames": 75, "note": "2 seams"}


@pytest.fixture
def control():
    """Both ends of the pipe that the program holds."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as ours, os.fdopen(writing, "w") as theirs:
        yield ours, theirs
        theirs.close()


def seen(part, done=0, total=0, attempts=1):
    return Seen(attempts, "gpu-2", Progress(part, done, total))


def test_a_line_per_change(control):
    output = io.StringIO()
    events = Events([ANNA, BEN], output, control[0])
    for state in ({}, {1: seen("animate", 2, 8)}, {1: seen("animate", 2, 8)}):
        events.show(state, [])
    events.show({}, [Outcome(1, ANNA.out, DONE, node="gpu-2", video=MADE)])
    told = [Event(**json.loads(line)) for line in output.getvalue().splitlines()]
    assert told == [
        Event(1),
        Event(3),
        Event(1, "animate", 2, 8, "gpu-2", 1),
        Event(1, DONE, machine="gpu-2", attempts=1, message="2 seams", out="/talks/anna-2.mp4", frames=75),
    ]


def test_the_end_of_the_input_cancels(control):
    ours, theirs = control
    events = Events([ANNA], io.StringIO(), ours)
    events.show({}, [])
    theirs.close()
    with pytest.raises(Cancelled):
        for _ in range(500):
            events.show({}, [])
            time.sleep(0.01)


def test_videos_under_way_are_listed_and_the_rest_counted():
    latest = {1: Event(1, DONE), 3: Event(3, "upscale", 3, 8, "gpu-2", attempts=2)}
    assert list(progress_lines([ANNA, BEN], latest)) == [
        "1 of 2 videos have ended",
        "ben.mp4: upscale 30 % on gpu-2, attempt 2",
    ]
    assert share_done([ANNA, BEN], latest) == 1 + (1 + 3 / 8) / 2


def test_what_was_made_and_what_was_not():
    latest = {
        1: Event(1, DONE, machine="gpu-2", attempts=1, message="2 seams", out="/talks/anna-2.mp4", frames=75),
        3: Event(3, REFUSED, message="No face was found."),
    }
    (line,) = results([ANNA], latest)
    assert line == "anna.mp4: 75 frames, made on gpu-2 in 1 attempt: /talks/anna-2.mp4 (2 seams)"
    assert unfinished([ANNA, BEN], latest) == ["ben.mp4 (No face was found)"]
