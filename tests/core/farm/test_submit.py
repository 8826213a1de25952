"""The farm as a process of its own, on a cluster of this machine."""

import tempfile
import time
import wave
from contextlib import closing
from pathlib import Path

import pytest
from farm_cluster import ENVIRONMENT, cluster, free_port

from hallo2_core.errors import JobError, MissingDependencyError
from hallo2_core.farm import submit
from hallo2_core.farm.cluster import DONE, REFUSED
from hallo2_core.farm.orders import Order
from hallo2_core.farm.submit import followed

EXAMPLES = Path(__file__).parents[3] / "hallo2_core" / "examples"


@pytest.fixture
def order(tmp_path):
    voice = tmp_path / "voice.wav"
    with wave.open(str(EXAMPLES / "voice.wav")) as whole, wave.open(str(voice), "wb") as part:
        part.setparams(whole.getparams())
        part.writeframes(whole.readframes(2 * whole.getframerate()))

    def made(line, **more):
        out = str(tmp_path / f"{line}.mp4")
        options = {"portrait": str(EXAMPLES / "portrait.png"), "audio": str(voice), "out": out, "steps": 1, "cfg": 1.0}
        return Order(line, options | more)

    return made


def test_without_ray_it_says_what_to_install(order, monkeypatch):
    monkeypatch.setattr(submit, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="pip install ray .the extra 'farm'"):
        next(followed([order(1)]))


@pytest.mark.slow
def test_videos_are_made_cancelled_and_continued(order, tmp_path, monkeypatch):
    pytest.importorskip("ray", reason="the extra 'farm' is not installed")
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    port = free_port()
    monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{port}")
    with tempfile.TemporaryDirectory(prefix="ray") as folder, cluster(Path(folder), port):
        with closing(followed([order(1)])) as states:
            for latest in states:
                assert not latest[1].has_ended
                if list(tmp_path.glob("1.mp4.hallo2/clips-*.ts")):
                    break
        assert not (tmp_path / "1.mp4").exists()
        time.sleep(0.1)
        *_, latest = followed([order(1), order(4, size="100x128")])
        first, second = latest[1], latest[4]
        assert (first.state, first.out, first.frames) == (DONE, str(tmp_path / "1.mp4"), 50)
        assert second.state == REFUSED and "multiples of 64" in second.message
    with pytest.raises(JobError, match=f"No connection to a Ray cluster at 'auto'.*{port}"):
        list(followed([order(1)]))
