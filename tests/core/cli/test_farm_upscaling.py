"""A video that others upscale while it is animated: the very file that one process makes."""

import threading
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fsspec
import pytest

from hallo2_core.cli import farm_upscaling, upscale
from hallo2_core.cli.farm_options import parsed
from hallo2_core.cli.farm_upscaling import upscaled_meanwhile
from hallo2_core.farm import mirror
from hallo2_core.farm.crew import Helpers
from hallo2_core.farm.orders import Order
from hallo2_core.farm.workplace import workplace
from hallo2_core.runtime import LocalRuntime
from hallo2_core.upscaling.pieces import cut_pieces

EXAMPLES = Path(__file__).parents[3] / "hallo2_core" / "examples"
MEDIA = Path(__file__).parents[2] / "media"
SECONDS, FRAMES = 3, 75


class LostError(Exception):
    pass


class Machine:
    """Another machine with one process. The first is lost with its first piece half done."""

    def __init__(self, make, event, dies):
        self._thread = ThreadPoolExecutor(1)
        self._enlarger, self._event, self._dies = self._thread.submit(make), event, dies

    def arithmetic(self):
        return self._thread.submit(lambda: self._enlarger.result().arithmetic())

    def enlarge(self, piece):
        def work():
            self._enlarger.result().enlarge(piece)
            if self._dies:
                raise LostError
            self._event.set()

        return self._thread.submit(work)

    def stop(self):
        self._thread.shutdown()


@pytest.fixture
def order(tmp_path):
    """Without a face, so that upscaling takes little."""
    voice = tmp_path / "voice.wav"
    with wave.open(str(EXAMPLES / "voice.wav")) as whole, wave.open(str(voice), "wb") as part:
        part.setparams(whole.getparams())
        part.writeframes(whole.readframes(SECONDS * whole.getframerate()))
    options = {"portrait": str(MEDIA / "no_face.png"), "whole_picture": True, "crop": "none", "audio": str(voice)}
    return lambda out: Order(1, {**options, "steps": 1, "cfg": 1.0, "size": "64x64", "out": out}, {"scale": 2.0})


@pytest.fixture(params=["folder", "storage"])
def place(request, tmp_path):
    """(the address of a shared place, the names of the files in it, a function that copies one to this machine)"""
    if request.param == "folder":
        folder = tmp_path / "videos"
        folder.mkdir()
        yield str(folder), lambda: [path.name for path in folder.iterdir()], lambda name: folder / name
        return
    files = fsspec.filesystem("memory")

    def fetched(name):
        files.get_file(f"/videos/{name}", str(tmp_path / name))
        return tmp_path / name

    yield "memory://videos", lambda: [path.rpartition("/")[2] for path in files.ls("/videos", detail=False)], fetched
    files.store.clear()


def test_the_file_is_the_one_that_one_process_makes(order, place, tmp_path, monkeypatch):
    address, names, fetched = place
    monkeypatch.setattr(mirror, "MIRROR_SECONDS", 0.1)
    monkeypatch.setattr(farm_upscaling, "cut_pieces", lambda frames: cut_pieces(frames, clips=1))
    helped, machines, told = threading.Event(), [], []

    def hire(make):
        def start():
            machines.append(Machine(make, helped, dies=not machines))
            return machines[-1]

        return Helpers(start, (LostError,), most=1, losses=3)

    def report(progress):
        told.append(progress)
        if progress.part == "animate" and progress.done == progress.total > 0:
            assert helped.wait(60)  # while the animation goes on

    made_here = order(f"{address}/a.mp4")
    with workplace(made_here) as here:
        video, crew = upscaled_meanwhile(made_here, here, hire, report)
        assert (video.frames, video.width, video.height) == (FRAMES, 128, 128)
    assert len(machines) == 2 and crew.helped_pieces >= 1 and crew.lost_helpers == 1
    assert {progress.part for progress in told} >= {"animate", "upscale"}
    assert sorted(name for name in names() if not name.endswith(".hallo2")) == ["a.mp4", "a_animated.mp4"]

    options = parsed(upscale, {"video": str(fetched("a_animated.mp4")), "scale": 2.0, "out": str(tmp_path / "b.mp4")})
    upscale.upscaled(options, LocalRuntime())
    assert fetched("a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()

    machines.clear()
    with workplace(made_here) as here:
        again, crew = upscaled_meanwhile(made_here, here, hire, told.append)
    assert again.frames == FRAMES and not machines and crew.figures()["pieces"] == 0
