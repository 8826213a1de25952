"""Summary of a run's verdicts."""

from __future__ import annotations

from collections.abc import Sequence

from .case import Verdict


def summary(verdicts: Sequence[Verdict]) -> str:
    counts = {status: sum(verdict.status == status for verdict in verdicts) for status in ("PASS", "FAIL", "SKIP")}
    return f"{counts['PASS']} passed, {counts['FAIL']} failed, {counts['SKIP']} skipped"


def all_passed(verdicts: Sequence[Verdict]) -> bool:
    """At least one passed, and none failed."""
    statuses = {verdict.status for verdict in verdicts}
    return "PASS" in statuses and "FAIL" not in statuses
