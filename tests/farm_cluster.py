"""A Ray cluster on this machine, for tests: one machine with one CPU core, and nothing of the user's own clusters."""

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

START_SECONDS = 120
ENVIRONMENT = {"RAY_AUTH_MODE": "disabled", "RAY_worker_niceness": "0", "RAY_USAGE_STATS_ENABLED": "0"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def cluster(folder, port):
    """Yields its address. folder: for its files; a short path, because sockets are among them."""
    command = [
        sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", f"--port={port}", "--num-cpus=1",
        "--include-dashboard=false", f"--temp-dir={folder}",
    ]  # fmt: skip
    environment = os.environ | ENVIRONMENT | {"OMP_NUM_THREADS": "1"}
    with open(folder / "head.log", "w+") as log:
        head = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            until = time.monotonic() + START_SECONDS
            while "Ray runtime started" not in (said := (folder / "head.log").read_text()):
                assert head.poll() is None and time.monotonic() < until, said
                time.sleep(0.1)
            yield f"127.0.0.1:{port}"
        finally:
            head.terminate()
            head.wait()
