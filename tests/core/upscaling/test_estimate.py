import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from seeded_models import SEEDED_UPSCALER

from hallo2_core.config import UpscalerConfig
from hallo2_core.upscaling.estimate import drawn_bytes, encoder_bytes, host_bytes, tile_bytes, working_bytes
from hallo2_core.upscaling.settings import UpscaleSettings
from hallo2_core.video.settings import VideoSettings

SMALL = UpscaleSettings(64, 64)
ROOT = Path(__file__).parents[3]

# Prints the bytes that upscaling a few frames took at most.
UPSCALE = """
import sys, torch
from faces_on_script import ScriptedFaces, face_at
from seeded_models import seeded_upscaler
from hallo2_core.cli.machine import peak_memory_mb
from hallo2_core.upscaling.settings import UpscaleSettings
from hallo2_core.runtime import LocalRuntime
from hallo2_core.upscaling.upscale import upscale_frames

side, target = int(sys.argv[1]), int(sys.argv[2])
finder = ScriptedFaces(lambda frame: [face_at(side / 2, side / 2, side / 6)])

def upscale(side, target):
    frames = (torch.zeros(side, side, 3, dtype=torch.uint8) for _ in range(3))
    for frame in upscale_frames(frames, seeded_upscaler(), finder, UpscaleSettings(target, target), LocalRuntime()):
        pass

upscale(64, 64)
before = peak_memory_mb()
upscale(side, target)
print(int((peak_memory_mb() - before) * 2**20))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the resource module is not on Windows")
def test_at_4k_it_is_what_upscaling_takes():
    side, target = 256, 3072
    child = subprocess.run(
        [sys.executable, "-c", UPSCALE, str(side), str(target)], capture_output=True, text=True, check=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    expected = working_bytes(side, side, UpscaleSettings(target, target), SEEDED_UPSCALER)
    assert 0.6 * expected < int(child.stdout) < 1.1 * expected


def test_the_released_network_at_its_own_size_needs_what_was_measured():
    """tests/bench/upscale.py: 1.99 GiB in all, of which about 0.7 are torch and the weights."""
    assert working_bytes(512, 512, UpscaleSettings(512, 512), UpscalerConfig()) / 2**30 == pytest.approx(1.3, abs=0.15)


def test_what_is_switched_off_or_smaller_needs_less():
    whole = working_bytes(512, 512, SMALL, UpscalerConfig())
    assert working_bytes(512, 512, replace(SMALL, fidelity=0.0), UpscalerConfig()) < whole - 600 * 2**20
    assert working_bytes(512, 512, replace(SMALL, window_frames=8), UpscalerConfig()) < whole
    assert working_bytes(256, 256, SMALL, UpscalerConfig()) < whole


def test_another_face_in_view_adds_its_results_and_what_the_next_window_needs_again():
    one, two = (working_bytes(256, 256, SMALL, UpscalerConfig(), faces) for faces in (1, 2))
    assert two - one == 16 * 3 * 512**2 * 4 + 4 * 45 * 2**20
    redrawn = replace(SMALL, fidelity=0.0)
    one, two = (working_bytes(256, 256, redrawn, UpscalerConfig(), faces) for faces in (1, 2))
    assert two - one == 16 * 3 * 512**2 * 4


def test_the_machines_own_memory_holds_waiting_frames_and_the_encoder():
    settings = UpscaleSettings(3840, 2160)
    of_the_encoder = encoder_bytes(3840, 2160, VideoSettings())
    eight, ten = (host_bytes(1, 1, settings, VideoSettings("h265", bits)) for bits in (8, 10))
    assert 0 <= eight - of_the_encoder - 17 * 3840 * 2160 * 3 // 2 < 300  # sixteen, one on its way, the source
    assert ten > 1.5 * of_the_encoder + 10 * 3840 * 2160 * 3
    held = host_bytes(1920, 1080, settings, VideoSettings()) - host_bytes(1, 1, settings, VideoSettings())
    assert held > 30 * 1920 * 1080 * 3


def test_an_upscale_model_is_given_what_the_host_gives_its_own():
    assert tile_bytes(4.0) == 512 * 512 * 3 * 4 * 4 * 384 and tile_bytes(0.5) == 512 * 512 * 3 * 4 * 384
    assert drawn_bytes(100, 50, 2.0) == 200 * 100 * 4 * 4  # three channels and the weights of the tiles
