"""All findings, in the order in which they should be dealt with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from ..checkpoints.catalogue import Purpose
from ..checkpoints.installed import FileReport, ModelFolders, check_models
from ..errors import pip_install
from ..jobs.listing import all_jobs
from ..jobs.report import readable_size
from .finding import Finding, State
from .machine import device_findings, disk_findings
from .software import has_onnxruntime, software_findings

DOWNLOAD = "Download the missing weights: the node 'Download Models (Hallo2)', or 'hallo2 download'."


def examine(
    folders: ModelFolders, models: Path, output: Path, device: torch.device, host: Sequence[Finding] = ()
) -> list[Finding]:
    """models, output: folders to report the disk space of. host: findings of the host on itself."""
    return [
        *software_findings(),
        *host,
        *device_findings(device),
        *disk_findings(output, models),
        *job_findings(output),
        *weight_findings(folders),
    ]


def weight_findings(folders: ModelFolders) -> Iterator[Finding]:
    """On every known file, as `hallo2 check` reports them; and on what the optional ones need."""
    reports = list(check_models(folders))
    for report in reports:
        yield _on_file(report)
    faces = [report for report in reports if report.known.purpose is Purpose.IDENTITY]
    if all(report.is_usable for report in faces) and not has_onnxruntime():
        yield Finding(
            "weights",
            "the released face files are there, but onnxruntime, which runs them, is not",
            State.NOTE,
            f"Install onnxruntime to use the released face files: {pip_install('onnxruntime')}",
        )


def job_findings(output: Path) -> Iterator[Finding]:
    stopped = [job for job in all_jobs(output) if job.state == "stopped"] if output.is_dir() else []
    if stopped:
        size = readable_size(sum(job.size_bytes for job in stopped))
        count = "1 stopped video" if len(stopped) == 1 else f"{len(stopped)} stopped videos"
        yield Finding("jobs", f"{count} can be continued, {size}; 'Jobs (Hallo2)' and 'hallo2 jobs' list them")


def _on_file(report: FileReport) -> Finding:
    known = report.known
    if report.is_usable:
        return Finding("weights", str(report))
    if report.path is None:
        state, remedy = (State.PROBLEM, DOWNLOAD) if known.needed else (State.GOOD, "")
        return Finding("weights", str(report), state, remedy)
    remedy = f"Replace {report.path}: the node 'Download Models (Hallo2)', or 'hallo2 download {known.purpose.value}'."
    return Finding("weights", str(report), State.PROBLEM, remedy)
