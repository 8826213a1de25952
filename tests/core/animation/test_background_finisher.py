import threading

import pytest
from stand_ins import PressedCancelError, RecordingRuntime

from hallo2_core.animation.background_finisher import BackgroundFinisher
from hallo2_core.errors import JobError


def fail():
    raise JobError("the disk is full")


def test_clips_are_finished_in_order_by_another_thread():
    finished = []
    with BackgroundFinisher(RecordingRuntime()) as finisher:
        for number in range(5):
            finisher.take(lambda number: finished.append((number, threading.get_ident())), number)
    assert [number for number, _thread in finished] == list(range(5))
    assert threading.get_ident() not in {thread for _number, thread in finished}


def test_while_one_is_in_hand_no_other_is_taken():
    let_go, taken = threading.Event(), []

    def take_another(finisher):
        finisher.take(lambda: None)
        taken.append(1)

    with BackgroundFinisher(RecordingRuntime()) as finisher:
        finisher.take(let_go.wait)
        other = threading.Thread(target=take_another, args=[finisher])
        other.start()
        other.join(0.2)
        assert other.is_alive() and not taken
        let_go.set()
        other.join(10)
    assert taken


def test_what_went_wrong_at_the_very_end_is_raised():
    with pytest.raises(JobError, match="disk is full"), BackgroundFinisher(RecordingRuntime()) as finisher:
        finisher.take(fail)


def test_a_clip_that_cannot_be_finished_stops_the_first_thread_as_cancel_does():
    with pytest.raises(JobError, match="disk is full"), BackgroundFinisher(RecordingRuntime()) as finisher:
        finisher.take(fail)
        while True:
            finisher.runtime.check_cancelled()


def test_of_two_failures_the_first_is_raised():
    with pytest.raises(JobError, match="disk is full"), BackgroundFinisher(RecordingRuntime()) as finisher:
        finisher.take(fail)
        while not finisher.runtime.is_finished:
            pass
        raise RuntimeError("out of memory")  # before anybody asked how the clip went

    def fail_after(event):
        event.wait(10)
        fail()

    out_of_memory = threading.Event()
    with pytest.raises(RuntimeError, match="out of memory"), BackgroundFinisher(RecordingRuntime()) as finisher:
        finisher.take(fail_after, out_of_memory)
        try:
            raise RuntimeError("out of memory")
        finally:
            threading.Timer(0.1, out_of_memory.set).start()


def test_cancelled_it_still_finishes_the_clip_in_hand():
    cancelled, finished = threading.Event(), []

    def finish():
        cancelled.wait(10)
        finished.append(1)

    with pytest.raises(PressedCancelError), BackgroundFinisher(RecordingRuntime(cancel_after=0)) as finisher:
        finisher.take(finish)
        threading.Timer(0.1, cancelled.set).start()
        finisher.runtime.check_cancelled()
    assert finished
