"""Kill the workers of a farm: `python tests/soak/farm.py [--jobs 12] [--kills 2] [--s3] [--seed 0]`.

A local Ray with two workers makes the videos. Workers are killed with SIGKILL once their video has finished clips.
Every video must be byte-identical to that of a single run, each made once, and nothing else may be left. With --s3,
portrait, voice and videos lie in a bucket of a local S3 server (needs moto[server] and s3fs). Prints the figures as
JSON; exit status 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "hallo2_core" / "examples"
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "RAY_worker_niceness": "0"}
BUCKET = "videos"
CLIPS_BEFORE_A_KILL = 1
SECONDS = 2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=12)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--s3", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    with (
        tempfile.TemporaryDirectory(prefix="hallo2-farm-soak-") as folder,
        place(Path(folder), arguments.s3) as storage,
    ):
        found = soak(Path(folder), storage, arguments.jobs, arguments.kills)
    print(json.dumps(found))
    return int(not found["right"])


class Local:
    """Files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()

    def address(self, name: str) -> str:
        return str(self._folder / name)

    def put(self, path: Path) -> str:
        (self._folder / path.name).write_bytes(path.read_bytes())
        return self.address(path.name)

    def names(self) -> set[str]:
        return {path.relative_to(self._folder).as_posix() for path in self._folder.rglob("*") if path.is_file()}

    def read(self, name: str) -> bytes:
        return (self._folder / name).read_bytes()


class S3:
    """Files in a bucket."""

    def __init__(self) -> None:
        import s3fs

        self._files = s3fs.S3FileSystem(use_listings_cache=False)
        self._files.mkdir(BUCKET)

    def address(self, name: str) -> str:
        return f"s3://{BUCKET}/{name}"

    def put(self, path: Path) -> str:
        self._files.put_file(str(path), f"{BUCKET}/{path.name}")
        return self.address(path.name)

    def names(self) -> set[str]:
        return {path.removeprefix(f"{BUCKET}/") for path in self._files.find(BUCKET)}

    def read(self, name: str) -> bytes:
        return self._files.cat_file(f"{BUCKET}/{name}")


@contextmanager
def place(folder: Path, is_s3: bool) -> Iterator[Local | S3]:
    if not is_s3:
        yield Local(folder / "videos")
        return
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    os.environ.update(
        AWS_ENDPOINT_URL=f"http://{host}:{port}", AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b",
        AWS_DEFAULT_REGION="us-east-1",
    )  # fmt: skip
    try:
        yield S3()
    finally:
        server.stop()


def soak(folder: Path, storage: Local | S3, jobs: int, kills: int) -> dict[str, object]:
    voice = folder / "voice.wav"
    with wave.open(str(EXAMPLES / "voice.wav")) as whole, wave.open(str(voice), "wb") as part:
        part.setparams(whole.getparams())
        part.writeframes(whole.readframes(SECONDS * whole.getframerate()))
    shared = {"portrait": storage.put(EXAMPLES / "portrait.png"), "audio": storage.put(voice), "steps": 1, "cfg": 1.0}
    given = storage.names()
    lines = [{**shared, "out": storage.address(f"{seed}.mp4"), "seed": seed} for seed in range(jobs)]
    orders = folder / "jobs.jsonl"
    orders.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    started = time.monotonic()
    farm = subprocess.Popen(
        [sys.executable, "-m", "hallo2_core", "farm", str(orders), "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | ENVIRONMENT,
    )  # fmt: skip
    killed = kill_workers(farm, kills)
    output, errors = farm.communicate()
    outcomes = json.loads(output) if output else []
    wrong = [] if farm.returncode == 0 else [f"exit status {farm.returncode}: {errors[-2000:]}"]
    wrong += [f"{o['out']}: {o['state']} {o['message']}" for o in outcomes if o["state"] != "done"]
    for seed in range(jobs):
        single = folder / f"single-{seed}.mp4"
        run_alone(folder, single, seed)
        if f"{seed}.mp4" in storage.names() and storage.read(f"{seed}.mp4") != single.read_bytes():
            wrong.append(f"{seed}.mp4 differs from a single run")
    left = storage.names() - given - {f"{seed}.mp4" for seed in range(jobs)}
    wrong += [f"left over: {name}" for name in left if not name.endswith("journal.json")]
    wrong += [f"missing: {seed}.mp4" for seed in range(jobs) if f"{seed}.mp4" not in storage.names()]
    if killed < kills:
        wrong.append(f"only {killed} of {kills} kills happened: give more jobs")
    return {
        "jobs": jobs,
        "kills": killed,
        "attempts": sum(outcome["attempts"] for outcome in outcomes),
        "resumed": sum(outcome["video"].get("resumed_from_clip", 0) > 0 for outcome in outcomes),
        "seconds": round(time.monotonic() - started, 1),
        "right": not wrong,
        "wrong": wrong,
    }


def kill_workers(farm: subprocess.Popen[str], kills: int) -> int:
    """Kill workers that have finished a clip, one after another, until so many are killed or the farm ends."""
    killed = 0
    while killed < kills and farm.poll() is None:
        time.sleep(0.05)
        for worker in workers_of(farm.pid):
            if finished_clips(worker) >= CLIPS_BEFORE_A_KILL and random.random() < 0.5:
                os.kill(worker.pid, signal.SIGKILL)
                killed += 1
                break
    return killed


def workers_of(pid: int) -> list[psutil.Process]:
    """Those with an order: Ray names a process after its task."""
    found = []
    for process in psutil.Process(pid).children(recursive=True):
        try:
            if process.name().startswith("ray::") and ".mp4" in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def finished_clips(worker: psutil.Process) -> int:
    """By the journal of the job that the worker has locked."""
    try:
        (folder,) = {Path(file.path).parent for file in worker.open_files() if Path(file.path).name == "lock"}
        return json.loads((folder / "journal.json").read_text(encoding="utf-8"))["clips"]
    except (psutil.Error, ValueError, OSError, KeyError):
        return 0


def run_alone(folder: Path, out: Path, seed: int) -> None:
    command = [
        sys.executable, "-m", "hallo2_core", "animate", "--portrait", str(EXAMPLES / "portrait.png"),
        "--audio", str(folder / "voice.wav"), "--out", str(out), "--steps", "1", "--cfg", "1.0", "--seed", str(seed),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, env=os.environ | ENVIRONMENT)


if __name__ == "__main__":
    sys.exit(main())
