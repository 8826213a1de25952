"""Kill the workers of a farm: `python tests/soak/farm.py [--jobs 12] [--kills 2] [--s3] [--seed 0] [--long 40]
[--sections 10]`.

A local Ray with two workers makes the videos. Workers are killed with SIGKILL once their video has finished clips.
Every video must be byte-identical to that of a single run, each made once, and nothing else may be left. With --s3,
portrait, voice and videos lie in a bucket of a local S3 server (needs moto[server] and s3fs). Prints the figures as
JSON; exit status 1 if anything is wrong.

With --long, instead, one video of so many seconds is upscaled by two helpers while it is animated. A helper is killed
for each of --kills; then the command itself is killed once and started again. Both files must be byte-identical to
those of `hallo2 animate` and then `hallo2 upscale`. With --sections too, it is not upscaled but rendered in sections of
so many seconds, and must be byte-identical to that of one process.
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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "hallo2_core" / "examples"
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "RAY_worker_niceness": "0"}
BUCKET = "videos"
CLIPS_BEFORE_A_KILL = 1
SECONDS = 2
FARM = [sys.executable, "-m", "hallo2_core", "farm"]
STEPS_OF_LONG = 30  # so that a clip takes about as long to animate as to upscale


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=12)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--s3", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--long", type=float, metavar="SECONDS")
    parser.add_argument("--sections", type=float, metavar="SECONDS")
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    with (
        tempfile.TemporaryDirectory(prefix="hallo2-farm-soak-") as folder,
        place(Path(folder), arguments.s3) as storage,
    ):
        if arguments.long:
            found = soak_long(Path(folder), storage, arguments.long, arguments.kills, arguments.sections)
        else:
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
    voice = spoken(folder, SECONDS)
    shared = {"portrait": storage.put(EXAMPLES / "portrait.png"), "audio": storage.put(voice), "steps": 1, "cfg": 1.0}
    given = storage.names()
    lines = [{**shared, "out": storage.address(f"{seed}.mp4"), "seed": seed} for seed in range(jobs)]
    orders = folder / "jobs.jsonl"
    orders.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    started = time.monotonic()
    farm = start([*FARM, str(orders), "--json"])
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


def soak_long(
    folder: Path, storage: Local | S3, seconds: float, kills: int, section_seconds: float | None
) -> dict[str, object]:
    work = {"upscale": {"scale": 2}} if section_seconds is None else {"section_seconds": section_seconds}
    order = {
        "portrait": storage.put(EXAMPLES / "portrait.png"), "audio": storage.put(spoken(folder, seconds)), "seed": 0,
        "steps": STEPS_OF_LONG, "cfg": 1.0, "out": storage.address("long.mp4"), **work,
    }  # fmt: skip
    given = storage.names()
    orders = folder / "long.jsonl"
    orders.write_text(json.dumps(order), encoding="utf-8")
    command = [*FARM, str(orders), "--json", "--helpers", "2", "--cpus", "0.5"]
    pieces = "/ahead-" if section_seconds is None else "/clips-"
    started = time.monotonic()
    stopped = Watched(start(command), storage, pieces)
    stopped.kill_helpers(kills)
    stopped.kill_command()
    resumed = Watched(start(command), storage, pieces)
    output, errors = resumed.ended()
    took = time.monotonic() - started
    (outcome,) = json.loads(output) if output else [{"state": errors[-2000:], "video": {}}]
    wrong = [] if outcome["state"] == "done" else [f"{outcome['state']} {outcome.get('message', '')}"]
    began = time.monotonic()
    expected = made_alone(folder) if section_seconds is None else {"long.mp4": in_sections_alone(folder, order)}
    alone = time.monotonic() - began
    for name, path in expected.items():
        if name not in storage.names():
            wrong.append(f"missing: {name}")
        elif storage.read(name) != path.read_bytes():
            wrong.append(f"{name} differs from that of one process")
    left = storage.names() - given - expected.keys()
    wrong += [f"left over: {name}" for name in left if not name.endswith("journal.json")]
    wrong += [] if stopped.killed == kills else [f"only {stopped.killed} of {kills} kills happened: give more seconds"]
    video = outcome["video"]
    helped = video.get("upscale" if section_seconds is None else "sections", {})
    if section_seconds is None:
        meanwhile = max(stopped.meanwhile, resumed.meanwhile)
        wrong += [] if meanwhile else ["nothing was upscaled while the animation went on"]
        more = {
            "clips_waiting_when_the_command_was_killed": stopped.found,
            "clips_upscaled_before_the_animation_ended": meanwhile,
        }
    else:
        more = {"sections_begun_when_the_command_was_killed": stopped.found, "seams": helped.get("seams")}
    return {
        "frames": video.get("frames"),
        "killed_helpers": stopped.killed,
        **more,
        "pieces_after_that": helped.get("pieces"),
        "by_helpers": helped.get("by_helpers"),
        "seconds": round(took, 1),
        "seconds_in_one_process": round(alone, 1),
        "right": not wrong,
        "wrong": wrong,
    }


def made_alone(folder: Path) -> dict[str, Path]:
    small, large = folder / "single.mp4", folder / "single-large.mp4"
    run_alone(folder, small, seed=0, steps=STEPS_OF_LONG)
    run("upscale", "--video", str(small), "--out", str(large), "--scale", "2")
    return {"long_animated.mp4": small, "long.mp4": large}


def in_sections_alone(folder: Path, order: Mapping[str, object]) -> Path:
    orders, out = folder / "alone.jsonl", folder / "alone.mp4"
    local = {"portrait": str(EXAMPLES / "portrait.png"), "audio": str(folder / "voice.wav"), "out": str(out)}
    orders.write_text(json.dumps({**order, **local}), encoding="utf-8")
    start([*FARM, str(orders), "--json"]).communicate()
    return out


class Watched:
    """A farm at work on long.mp4."""

    def __init__(self, farm: subprocess.Popen[str], storage: Local | S3, pieces: str) -> None:
        """pieces: what the names of their files contain."""
        self._farm, self._storage, self._pieces = farm, storage, pieces
        self.found = self.meanwhile = self.killed = 0  # pieces; at most, before the animation ended

    def goes_on(self) -> bool:
        time.sleep(0.1)
        names = self._storage.names()
        self.found = sum(self._pieces in name for name in names)
        if "long_animated.mp4" not in names:
            self.meanwhile = max(self.meanwhile, self.found)
        return self._farm.poll() is None

    def kill_helpers(self, kills: int) -> None:
        """One in its work, whenever another piece is there."""
        before = 0
        while self.goes_on() and self.killed < kills:
            busy = named(self._farm.pid, "HelpingActor.do") if self.found > before else []
            if busy:
                os.kill(random.choice(busy).pid, signal.SIGKILL)
                self.killed, before = self.killed + 1, self.found

    def kill_command(self) -> None:
        """With all of its processes, once more pieces are there."""
        before = self.found
        while self.goes_on() and self.found <= before:
            pass
        if self._farm.poll() is not None:
            raise SystemExit(f"The command ended before it was killed; give more seconds. {self._farm.communicate()}")
        for process in (*psutil.Process(self._farm.pid).children(recursive=True), psutil.Process(self._farm.pid)):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._farm.communicate()
        self.goes_on()

    def ended(self) -> tuple[str, str]:
        while self.goes_on():
            pass
        return self._farm.communicate()


def spoken(folder: Path, seconds: float) -> Path:
    """The demo's voice, again and again."""
    path = folder / "voice.wav"
    with wave.open(str(EXAMPLES / "voice.wav")) as whole, wave.open(str(path), "wb") as part:
        part.setparams(whole.getparams())
        sound, size = whole.readframes(whole.getnframes()), whole.getsampwidth() * whole.getnchannels()
        length = round(seconds * whole.getframerate()) * size
        part.writeframes((sound * (length // len(sound) + 1))[:length])
    return path


def start(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | ENVIRONMENT
    )


def kill_workers(farm: subprocess.Popen[str], kills: int) -> int:
    """Kill workers that have finished a clip, one after another, until so many are killed or the farm ends."""
    killed = 0
    while killed < kills and farm.poll() is None:
        time.sleep(0.05)
        for worker in named(farm.pid, ".mp4"):
            if finished_clips(worker) >= CLIPS_BEFORE_A_KILL and random.random() < 0.5:
                os.kill(worker.pid, signal.SIGKILL)
                killed += 1
                break
    return killed


def named(pid: int, part: str) -> list[psutil.Process]:
    """The workers with a task of such a name, which Ray gives their processes: an order's is its `out`."""
    found = []
    for process in psutil.Process(pid).children(recursive=True):
        try:
            if process.name().startswith("ray::") and part in " ".join(process.cmdline()):
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


def run_alone(folder: Path, out: Path, seed: int, steps: int = 1) -> None:
    run(
        "animate", "--portrait", str(EXAMPLES / "portrait.png"), "--audio", str(folder / "voice.wav"),
        "--out", str(out), "--steps", str(steps), "--cfg", "1.0", "--seed", str(seed),
    )  # fmt: skip


def run(*arguments: str) -> None:
    command = [sys.executable, "-m", "hallo2_core", *arguments]
    subprocess.run(command, check=True, capture_output=True, env=os.environ | ENVIRONMENT)


if __name__ == "__main__":
    sys.exit(main())
