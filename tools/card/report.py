"""The report as one JSON file and one page of Markdown."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path

from .section import FAILED, OK, Figures, Result

JSON_NAME, MARKDOWN_NAME = "gpu_report.json", "gpu_report.md"
FORMAT = 1  # raised when a figure changes its name or its meaning
NOTHING = "–"


class Report:
    def __init__(self, machine: Figures, scale: str) -> None:
        self.machine = machine
        self.scale = scale
        self.results: list[Result] = []
        self._begun = datetime.now(timezone.utc)

    def add(self, result: Result) -> None:
        self.results.append(result)

    @property
    def has_failures(self) -> bool:
        """A section or a golden case."""
        return any(one.status == FAILED or one.figures.get("passed") is False for one in self.results)

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        content = {
            "format": FORMAT,
            "begun": self._begun.isoformat(timespec="seconds"),
            "machine": self.machine,
            "scale": self.scale,
            "sections": [asdict(result) for result in self.results],
        }
        text = json.dumps(_strict(content), indent=1, allow_nan=False)
        (folder / JSON_NAME).write_text(text + "\n", encoding="utf-8")
        (folder / MARKDOWN_NAME).write_text(self.markdown() + "\n", encoding="utf-8")

    def markdown(self) -> str:
        parts = [
            f"# {self.machine['name']}",
            self.scale,
            _machine(self.machine),
            table(("section", "", "seconds", "result"), (_overview(result) for result in self.results)),
            *self._details(),
        ]
        return "\n\n".join(part for part in parts if part)

    def _details(self) -> Iterable[str]:
        done = [result for result in self.results if result.status == OK]
        yield _steps([result for result in done if result.name.startswith(("step-", "clip-", "upscaler-"))])
        for result in done:
            if result.name == "vae":
                yield _heading(result, _vae(result.figures))
            elif result.name == "accelerate":
                yield _heading(result, _presets(result.figures))
            elif result.name == "syncs":
                yield _heading(result, _syncs(result.figures))
            elif result.name.startswith("kernels"):
                yield _heading(result, _kernels(result.figures))
            elif result.name == "attention":
                yield _heading(result, _attention(result.figures))
            elif "cases" in result.figures:
                yield _heading(result, _cases(result.figures))


def _strict(value: object) -> object:
    """Without NaN and infinity, which JSON does not know: they become their names."""
    if isinstance(value, dict):
        return {name: _strict(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(entry) for entry in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Empty without rows."""
    lines = ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    if not lines:
        return ""
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *lines])


def _cell(value: object) -> str:
    if value is None or value == "":
        return NOTHING
    return (f"{value:.4g}" if isinstance(value, float) else str(value)).replace("|", "\\|").replace("\n", " ")


def _heading(result: Result, text: str) -> str:
    return f"## {result.title}\n\n{text}" if text else ""


def _machine(machine: Figures) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    rows = [(name, value) for name, value in machine.items() if name not in ("name", "packages") and value is not None]
    return table(("machine", ""), [*rows, ("packages", packages)])


def _overview(result: Result) -> tuple[object, ...]:
    figures = result.figures
    said = result.reason or figures.get("summary", "")
    if "median_ms" in figures:
        said = f"{figures['median_ms']:.4g} ms"
    elif "seconds" in figures:
        said = f"{figures['seconds']:.4g} s"
    elif result.name == "syncs" and result.status == OK:
        said = figures.get("note") or f"{figures['count']} syncs"
    if figures.get("non_finite"):
        said += f", **{figures['non_finite']} values not finite**"
    return result.title, result.status, result.seconds, said


def _steps(results: Sequence[Result]) -> str:
    rows = [
        (
            result.title,
            result.figures.get("median_ms") or 1000 * result.figures["seconds"],
            result.figures.get("tflop_per_second"),
            result.figures.get("before_gib"),
            result.figures.get("peak_gib"),
            result.figures.get("reserved_gib"),
            f"{result.figures['non_finite']} {result.figures.get('first_non_finite_layer') or ''}".strip(),
            result.figures.get("largest"),
        )
        for result in results
    ]
    head = (
        "what", "median ms", "TFLOP/s", "GiB before", "GiB peak", "GiB reserved", "not finite", "largest value",
    )  # fmt: skip
    text = table(head, rows)
    return f"## Time and memory\n\n{text}" if text else ""


def _vae(figures: Figures) -> str:
    rows = (
        (row["what"], row["dtype"], row["median_ms"], row.get("peak_gib"), row["non_finite"]) for row in figures["rows"]
    )
    return table(("what", "dtype", "median ms", "GiB peak", "not finite"), rows)


def _presets(figures: Figures) -> str:
    return table(("preset", "steps", "seconds"), (row.values() for row in figures["rows"]))


def _syncs(figures: Figures) -> str:
    if figures["count"] is None:
        return f"Not counted: {figures['note']}."
    text = table(("place", "times"), ((place["place"], place["count"]) for place in figures["places"]))
    return f"{figures['count']} times the host waits for the card.\n\n{text}".rstrip()


def _kernels(figures: Figures) -> str:
    rows = ((kernel["name"], kernel["calls"], kernel["ms"], kernel["share"]) for kernel in figures["longest"])
    busy = f"{figures['calls']} calls take {figures['kernels_ms']:.4g} ms of {figures['wall_ms']:.4g} ms by the clock."
    return f"{busy}\n\n{table(('name', 'calls', 'ms', 'share'), rows)}"


def _attention(figures: Figures) -> str:
    """Reasons of refusals are numbered below the table: they are long, and few."""
    names, reasons = list(figures["sites"][0]["backends"]), []

    def milliseconds(found: float | str) -> float | str:
        if isinstance(found, float):
            return found
        if found not in reasons:
            reasons.append(found)
        return f"no ({reasons.index(found) + 1})"

    rows = [
        (
            site["where"], site["head_width"], site["dtype"], site["shape"], site["taken"], site["ms"],
            *(milliseconds(site["backends"][name]) for name in names),
        )
        for site in figures["sites"]
    ]  # fmt: skip
    head = ("where", "head width", "dtype", "batch x heads x queries / keys", "taken", "ms", *names)
    listed = "\n".join(f"{number}. {reason}" for number, reason in enumerate(reasons, start=1))
    return f"{table(head, rows)}\n\n{listed}".rstrip()


def _cases(figures: Figures) -> str:
    rows = ((case["name"], case["max_abs"], case["rel"], case["status"], case["reason"]) for case in figures["cases"])
    return table(("case", "largest difference", "relative", "", "reason"), rows)
