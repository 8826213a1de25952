import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SHORT = {
    "faults.py": ("--errors", "1", "--rooms", "3", "--only", "animation, finished"),
    "power_cut.py": ("--cuts", "3"),
    "interrupts.py": ("--storms", "4"),
    "short_runs.py": ("--runs", "60"),
}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux" or shutil.which("cc") is None, reason="needs Linux and a C compiler")
@pytest.mark.parametrize("script", SHORT)
def test_nothing_is_lost(script):
    command = [sys.executable, str(Path(__file__).with_name(script)), *SHORT[script]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
