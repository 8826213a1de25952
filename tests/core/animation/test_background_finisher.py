import threading

import pytest
from stand_ins import PressedCancelError, RecordingRuntime

from hallo2_core.animation.background_finisher import BackgroundFinisher
from hallo2_core.errors import JobError, MemoryShortageError


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
        while not finisher.runtime.has_failed:
            pass
        raise RuntimeError("the card is gone")  # before anybody asked how the clip went

    def fail_after(event):
        event.wait(10)
        fail()

    gone = threading.Event()
    with pytest.raises(RuntimeError, match="the card is gone"), BackgroundFinisher(RecordingRuntime()) as finisher:
        finisher.take(fail_after, gone)
        try:
            raise RuntimeError("the card is gone")
        finally:
            threading.Timer(0.1, gone.set).start()


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


class ShortRuntime(RecordingRuntime):
    """Notes in which thread, and after which events, memory is freed."""

    def __init__(self, events):
        super().__init__()
        self.events = events

    def free_memory(self):
        self.events.append(("freed", threading.get_ident()))


def short_of_memory(events, times):
    """Finishes a clip, but the first so many times there is no memory for it."""

    def finish():
        events.append(("begun", threading.get_ident()))
        if sum(event == "begun" for event, _thread in events) <= times:
            raise MemoryError("not enough memory")
        events.append(("finished", threading.get_ident()))

    return finish


@pytest.mark.parametrize("is_last", [True, False])
def test_a_clip_that_ran_out_of_memory_is_finished_by_the_first_thread_when_all_is_freed(is_last):
    events, main = [], threading.get_ident()
    with BackgroundFinisher(ShortRuntime(events)) as finisher:
        finisher.take(short_of_memory(events, 1))
        if not is_last:
            finisher.take(lambda: events.append(("next", threading.get_ident())))
    assert [event for event, _ in events] == ["begun", "freed", "begun", "finished", *(() if is_last else ["next"])]
    assert events[0][1] != main and {thread for _, thread in events[1:4]} == {main}


def test_the_first_thread_frees_memory_when_the_second_is_done():
    events, let_go = [], threading.Event()

    def finish():
        let_go.wait(10)
        events.append(("finished", threading.get_ident()))

    with BackgroundFinisher(ShortRuntime(events)) as finisher:
        finisher.take(finish)
        threading.Timer(0.1, let_go.set).start()
        finisher.runtime.free_memory()
    assert [event for event, _ in events] == ["finished", "freed"]


@pytest.mark.parametrize("stops_by", [None, PressedCancelError()])
def test_a_clip_that_runs_out_of_memory_twice_says_what_to_change(stops_by):
    events = []
    with pytest.raises(MemoryShortageError, match="Choose a smaller size"):
        with BackgroundFinisher(ShortRuntime(events)) as finisher:
            finisher.take(short_of_memory(events, 2))
            if stops_by is not None:
                while finisher.runtime.shortage is None:
                    pass
                raise stops_by
    assert [event for event, _ in events] == ["begun", "freed", "begun"]
