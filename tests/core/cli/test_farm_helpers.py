"""Videos that several processes make: the very files that one process makes."""

import threading
import wave
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import fsspec
import pytest

from hallo2_core.cli import farm_upscaling, upscale
from hallo2_core.cli.farm_animation import Animation, SectionedAnimation
from hallo2_core.cli.farm_options import parsed
from hallo2_core.cli.farm_upscaling import upscaled_meanwhile
from hallo2_core.farm import mirror
from hallo2_core.farm.crew import Helpers, no_helpers
from hallo2_core.farm.orders import Order
from hallo2_core.farm.workplace import animated_name, workplace
from hallo2_core.runtime import LocalRuntime
from hallo2_core.upscaling.pieces import cut_pieces

EXAMPLES = Path(__file__).parents[3] / "hallo2_core" / "examples"
MEDIA = Path(__file__).parents[2] / "media"
SECONDS, FRAMES = 2, 50


class LostError(Exception):
    pass


class Machine:
    """Another machine with one process. The first is lost after its first piece."""

    def __init__(self, make, event, dies):
        self._thread = ThreadPoolExecutor(1)
        self._worker, self._event, self._dies = self._thread.submit(make), event, dies

    def arithmetic(self):
        return self._thread.submit(lambda: self._worker.result().arithmetic())

    def do(self, piece):
        def work():
            self._worker.result().do(piece)
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


class Machines:
    """How to get one after another."""

    def __init__(self):
        self.hired, self.have_helped = [], threading.Event()

    def hire(self, make):
        def start():
            self.hired.append(Machine(make, self.have_helped, dies=not self.hired))
            return self.hired[-1]

        return Helpers(start, (LostError,), most=1, losses=3)


def test_a_video_upscaled_while_it_is_animated(order, place, tmp_path, monkeypatch):
    address, names, fetched = place
    monkeypatch.setattr(mirror, "MIRROR_SECONDS", 0.1)
    monkeypatch.setattr(farm_upscaling, "cut_pieces", lambda frames: cut_pieces(frames, clips=1))
    machines, told = Machines(), []

    def report(progress):
        told.append(progress)
        if progress.part == "animate" and progress.done == progress.total > 0:
            assert machines.have_helped.wait(60)  # while the animation goes on

    made_here = order(f"{address}/a.mp4")
    with workplace(made_here) as here:
        animation = Animation(here, animated_name(here.order.out), report)
        video, figures = upscaled_meanwhile(made_here, here, animation, machines.hire, report)
        assert (video.frames, video.width, video.height) == (FRAMES, 128, 128)
    assert (
        len(machines.hired) == 2 and figures["upscale"]["by_helpers"] >= 1 and figures["upscale"]["lost_helpers"] == 1
    )
    assert {progress.part for progress in told} >= {"animate", "upscale"}
    assert sorted(name for name in names() if not name.endswith(".hallo2")) == ["a.mp4", "a_animated.mp4"]

    options = parsed(upscale, {"video": str(fetched("a_animated.mp4")), "scale": 2.0, "out": str(tmp_path / "b.mp4")})
    upscale.upscaled(options, LocalRuntime())
    assert fetched("a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()

    with workplace(made_here) as here:
        animation = Animation(here, animated_name(here.order.out), told.append)
        again, figures = upscaled_meanwhile(made_here, here, animation, machines.hire, told.append)
    assert again.frames == FRAMES and len(machines.hired) == 2 and figures["upscale"]["pieces"] == 0


@pytest.mark.parametrize("place", ["storage"], indirect=True)
def test_a_video_in_sections(order, place, tmp_path):
    """Each begins with the portrait again; whoever renders them, the file is the same."""
    address, names, fetched = place
    machines, told = Machines(), []

    def made(out, hire, report):
        whole = replace(order(out), upscale=None, section_seconds=1.0)
        with workplace(whole) as here:
            animation = SectionedAnimation(whole, here, here.order.out, hire, report)
            return animation.finish(), animation.figures()["sections"]

    def report(progress):
        told.append(progress)
        is_here = threading.current_thread() is threading.main_thread()
        if is_here and progress.part.startswith("section ") and progress.done == progress.total > 0:
            assert machines.have_helped.wait(60)  # before another one is begun here

    video, figures = made(f"{address}/a.mp4", machines.hire, report)
    assert (video.frames, figures["pieces"], figures["lost_helpers"]) == (FRAMES, 3, 1)
    assert {progress.part for progress in told} >= {"sections", "section 1", "section 2", "section 3"}
    assert [round(seam["seconds"] / 0.64, 6).is_integer() for seam in figures["seams"]] == [True, True]
    assert "the largest seam is" in figures["note"]
    assert sorted(names()) == ["a.mp4", "a.mp4.hallo2"]

    alone, _ = made(str(tmp_path / "b.mp4"), no_helpers, told.append)
    assert fetched("a.mp4").read_bytes() == alone.path.read_bytes()
    again, _ = made(f"{address}/a.mp4", no_helpers, told.append)
    assert again.frames == FRAMES and sorted(names()) == ["a.mp4", "a.mp4.hallo2"]
