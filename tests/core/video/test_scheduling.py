import os
import threading
from fractions import Fraction

import pytest
import torch

from hallo2_core.video.clips import encode_clip
from hallo2_core.video.scheduling import THREADS, keep_scheduling
from hallo2_core.video.settings import VideoSettings

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setscheduler") or not THREADS.is_dir() or os.geteuid() != 0,
    reason="only root on Linux may make a thread real-time",
)
REAL_TIME = os.sched_param(1) if hasattr(os, "sched_param") else None


def policies():
    return {os.sched_getscheduler(int(entry.name)) for entry in THREADS.iterdir()}


def test_an_av1_encode_leaves_no_thread_real_time():
    encode_clip(torch.zeros(2, 64, 64, 3), 0, Fraction(25), VideoSettings("av1"))
    assert policies() == {os.SCHED_OTHER}


def test_threads_started_inside_are_put_back_too():
    stop, ready = threading.Event(), threading.Event()

    def real_time():
        os.sched_setscheduler(0, os.SCHED_FIFO, REAL_TIME)
        ready.set()
        stop.wait(10)

    thread = threading.Thread(target=real_time)
    with keep_scheduling():
        os.sched_setscheduler(0, os.SCHED_FIFO, REAL_TIME)
        thread.start()
        assert ready.wait(10) and policies() >= {os.SCHED_FIFO}
    try:
        assert policies() == {os.SCHED_OTHER}
    finally:
        stop.set()
        thread.join()


def test_what_was_real_time_before_stays_so():
    os.sched_setscheduler(0, os.SCHED_FIFO, REAL_TIME)
    try:
        with keep_scheduling():
            pass
        assert os.sched_getscheduler(0) == os.SCHED_FIFO
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
