"""Files of unfinished work, and what a video says about itself: a job's folder can come from another machine."""

from __future__ import annotations

import json
import shutil
import socket
import zlib
from pathlib import Path

from hallo2_core.inspection.record_text import record_text
from hallo2_core.jobs.actions import act_on
from hallo2_core.jobs.job import Job
from hallo2_core.jobs.journal import NAME, PREVIOUS
from hallo2_core.jobs.key import JobKey
from hallo2_core.jobs.listing import COMMAND_SUFFIX, all_jobs
from hallo2_core.jobs.report import report
from hallo2_core.jobs.soft_lock import is_held, owner_of
from hallo2_core.video.metadata import parse_record

from .target import Target, text_of

KEY = JobKey({"work": "any"}, {"torch": "2"}, "a video", 32)
SEGMENT, STATE = b"frames of a clip", b"its last ones"
JSON = (
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b'"',
    b"null",
    b"true",
    b"-1",
    b"0",
    b"1e999",
    b"NaN",
    b"9" * 30,
    b'""',
    b"[[[[",
    b'{"a":',
    b'"\\ud800"',
    b'"\\u001b[31m"',
    b'"<img src=x>"',
    b'"../../victim.mp4"',
    b'"victim.mp4"',
)


def journal(data: bytes, folder: Path) -> object:
    """Lists the job, enters it as a run of the same request would, and removes it. Nothing outside may change."""
    victim = folder / "victim.mp4"
    victim.write_bytes(b"not ours")
    job = folder / f"a.mp4{COMMAND_SUFFIX}"
    shutil.rmtree(job, ignore_errors=True)
    job.mkdir()
    (job / NAME).write_bytes(data)
    (job / PREVIOUS).write_bytes(data[::-1])
    (job / "clips-0000.ts").write_bytes(SEGMENT)
    (job / "state-0.safetensors").write_bytes(STATE)
    try:
        listed = all_jobs(folder)
        lines = report(listed)
        with Job(job, KEY) as entered:
            found = entered.finished or (entered.segments, entered.frames_in_segment)
        return lines, found, act_on(all_jobs(folder), "remove", [one.name for one in listed])
    finally:
        assert victim.read_bytes() == b"not ours"


def lock(data: bytes, folder: Path) -> object:
    path = folder / "lock"
    path.write_bytes(data)
    return is_held(path), owner_of(path)


def record(data: bytes, _folder: Path) -> object:
    found = parse_record(text_of(data))
    return record_text(found), json.dumps(found)


def _journals() -> tuple[bytes, ...]:
    kept = {"name": "clips-0000.ts", "size_bytes": len(SEGMENT), "crc": zlib.crc32(SEGMENT), "frames": 16}
    state = {"name": "state-0.safetensors", "size_bytes": len(STATE), "crc": zlib.crc32(STATE), "frames": 0}
    key = {"request": {"work": "any"}, "arithmetic": {"torch": "2"}, "what": "a video", "frames": 32}
    whole = {"format": 2, "key": key, "clips": 1, "segments": [kept], "state": state, "video": None, "video_bytes": 0}
    done = whole | {"segments": [], "state": None, "video": "../victim.mp4", "video_bytes": 8}
    old = whole | {"format": 1, "key": "0123"}
    return tuple(json.dumps(one).encode() for one in (whole, done, old))


WORK = (
    Target("journal", journal, _journals, (*JSON, b'"segments"', b'"size_bytes"', b'"name"', b'"clips"', b'"video"')),
    Target(
        "lock",
        lock,
        lambda: (json.dumps({"token": "a", "pid": 1, "host": socket.gethostname()}).encode(),),
        (*JSON, b'"pid"', b'"host"'),
    ),
    Target(
        "record",
        record,
        lambda: (
            b'{"version": "0.2.0", "made": "a video", "settings": {"steps": 40, "size": {"w": 1}},'
            b' "source": {"made": 1}}',
        ),
        (*JSON, b'"settings"', b'"source"', b'"made"', b'"fingerprints"', b'"digital_source_type"'),
    ),
)
