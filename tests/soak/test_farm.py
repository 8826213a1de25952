"""A short version of the farm's soak for `-m slow`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("storage", [[], ["--s3"]], ids=["folder", "s3"])
@pytest.mark.parametrize(
    "videos", [["--jobs", "3"], ["--long", "14"], ["--long", "14", "--sections", "4"]], ids=["jobs", "long", "sections"]
)
def test_a_lost_worker_loses_nothing(videos, storage):
    pytest.importorskip("ray", reason="the extra 'farm' is not installed")
    if storage:
        pytest.importorskip("moto", reason="moto[server], a local S3 server, is not installed")
    command = [sys.executable, str(HERE / "farm.py"), *videos, "--kills", "1", *storage]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
