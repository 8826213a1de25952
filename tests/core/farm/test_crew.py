"""Who upscales which piece, whatever happens to the helpers."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from hallo2_core.errors import SettingsError
from hallo2_core.farm.crew import Crew, Helpers
from hallo2_core.upscaling.pieces import cut_pieces
from hallo2_core.upscaling.settings import UpscaleSettings

SETTINGS = UpscaleSettings(64, 64)
FRAMES = 1000


def wait_for(happened):
    until = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.01)


class LostError(Exception):
    pass


class ThreadHelper:
    def __init__(self, work, arithmetic):
        self._thread, self._work, self._arithmetic = ThreadPoolExecutor(1), work, arithmetic
        self.is_stopped = False

    def arithmetic(self):
        return self._thread.submit(lambda: self._arithmetic)

    def do(self, piece):
        return self._thread.submit(self._work, piece)

    def stop(self):
        self.is_stopped = True
        self._thread.shutdown()


class Scene:
    """A crew whose helpers call `work`."""

    def __init__(self, work, most=2, losses=3, arithmetics=(), finished=lambda: FRAMES):
        self.helpers, self.told, self.by_helpers, self.own = [], [], [], []
        arithmetics = iter(arithmetics)

        def start():
            self.helpers.append(ThreadHelper(helped, next(arithmetics, {"GPU": "A"})))
            return self.helpers[-1]

        def helped(piece):
            work(piece)
            self.by_helpers.append(piece)

        self.pieces = cut_pieces(FRAMES)
        helpers = Helpers(start, (LostError,), most, losses)
        self.crew = Crew(
            self.pieces,
            FRAMES,
            helpers,
            {"GPU": "A"},
            self.told.append,
            "upscale",
            lambda piece: piece.source(SETTINGS, FRAMES).stop <= finished(),
        )

    def run(self, until=lambda: None):
        """until: waits for what must happen before this process works along."""
        with self.crew:
            until()
            self.crew.finish(self.own.append)

    @property
    def all_done(self):
        return sorted(self.by_helpers + self.own, key=lambda piece: piece.start) == self.pieces


def test_every_piece_is_done_once_and_all_helpers_stop():
    first_pieces = [threading.Barrier(2).wait] * 2
    scene = Scene(lambda piece: first_pieces.pop()() if first_pieces else None)
    scene.run(until=lambda: wait_for(lambda: len(scene.by_helpers) >= 2))
    assert scene.all_done and len(scene.helpers) == 2 and all(helper.is_stopped for helper in scene.helpers)
    assert scene.told[-1].done == scene.told[-1].total == FRAMES and scene.told[-1].part == "upscale"


def test_helpers_work_while_frames_are_finished_and_only_on_those():
    finished, begun = [0], []
    scene = Scene(begun.append, finished=lambda: finished[0])
    with scene.crew:
        time.sleep(0.1)
        assert not scene.helpers  # no machine waits for the first clip
        for finished[0] in range(0, FRAMES + 1, 100):
            time.sleep(0.06)
            assert all(piece.source(SETTINGS, FRAMES).stop <= finished[0] for piece in begun)
        scene.crew.finish(scene.own.append)
    assert scene.all_done and scene.by_helpers


def test_the_piece_of_a_lost_helper_is_done_by_another():
    lost = threading.Event()

    def dies_once(piece):
        if not lost.is_set():
            lost.set()
            raise LostError("the machine is gone")

    scene = Scene(dies_once, most=1)
    scene.run(until=lambda: wait_for(lambda: scene.by_helpers))
    assert scene.all_done and scene.by_helpers[0] == scene.pieces[0]
    assert scene.crew.figures()["lost_helpers"] == 1 and len(scene.helpers) == 2


def test_without_helpers_the_own_process_does_everything():
    def dies(piece):
        raise LostError("no machine stays")

    scene = Scene(dies, most=1, losses=2)
    scene.run(until=lambda: wait_for(lambda: len(scene.helpers) == 3 and scene.helpers[-1].is_stopped))
    assert scene.all_done and scene.by_helpers == [] and len(scene.helpers) == 3


def test_a_machine_whose_last_bits_differ_does_not_help():
    scene = Scene(lambda piece: None, most=1, arithmetics=[{"GPU": "B"}])
    scene.run(until=lambda: wait_for(lambda: scene.by_helpers))
    assert scene.all_done and scene.helpers[0].is_stopped and len(scene.helpers) == 2


def test_what_no_helper_can_do_is_an_error():
    def refuses(piece):
        raise SettingsError("too large")

    scene = Scene(refuses)
    with pytest.raises(SettingsError, match="too large"):
        scene.run(until=lambda: wait_for(lambda: scene.helpers and scene.helpers[0].is_stopped))
    assert all(helper.is_stopped for helper in scene.helpers)
