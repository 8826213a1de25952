"""File system calls that fail on purpose, in this process: `failing_calls.c`, compiled, preloaded and controlled."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")
# As in failing_calls.c.
KINDS = (
    "open", "read", "write", "close", "fsync", "rename", "link", "unlink", "rmdir", "mkdir", "truncate", "flock",
    "stat", "list",
)  # fmt: skip
ONCE, SHORT, FROM_NOW_ON, READ_ONLY = range(4)


@dataclass(frozen=True)
class Fault:
    """The call of this kind and number fails with this error; then no other, every other, or all that change files."""

    kind: str
    number: int
    error: int
    mode: int = ONCE


class FailingCalls:
    """Calls below one folder. `fault`, `leave_room` and `count` each begin a new count."""

    def __init__(self, folder: Path) -> None:
        self._library = ctypes.CDLL(None)
        self._library.faults_calls.restype = self._library.faults_hits.restype = ctypes.c_long
        self._library.faults_watch(os.fsencode(folder))

    def fault(self, fault: Fault) -> None:
        kind, number = KINDS.index(fault.kind), ctypes.c_long(fault.number)
        self._library.faults_arm(kind, number, fault.error, fault.mode)

    def leave_room(self, size_bytes: int, error: int) -> None:
        """After so many written bytes, every write fails."""
        self._library.faults_leave_room(ctypes.c_long(size_bytes), error)

    def count(self) -> None:
        """Nothing fails."""
        self._library.faults_reset()

    @property
    def calls(self) -> dict[str, int]:
        return {kind: self._library.faults_calls(number) for number, kind in enumerate(KINDS)}

    @property
    def hits(self) -> int:
        """How many calls failed."""
        return self._library.faults_hits()

    def record(self, descriptor: int) -> None:
        """Write every change of a file or name to this open file; -1: no longer."""
        self._library.faults_record(descriptor)


def preload() -> None:
    """Start this script again, with the library. Exit status 2 without a C compiler, or elsewhere than on Linux."""
    if "failing_calls" in os.environ.get("LD_PRELOAD", ""):
        return
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        sys.stderr.write("This needs Linux and a C compiler: its faults are injected into the C library's calls.\n")
        sys.exit(2)
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "failing_calls.so"
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, SOURCE, "-ldl", "-lpthread"], check=True)
        environment = os.environ | {"LD_PRELOAD": str(library), "OMP_NUM_THREADS": "1"}
        sys.exit(subprocess.run([sys.executable, *sys.argv], env=environment, check=False).returncode)
