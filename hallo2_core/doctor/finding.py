"""What the doctor finds, and the report on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """GOOD: nothing to do. NOTE: works, with a limit. PROBLEM: something will fail."""

    GOOD = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """subject: one word.  remedy: what to do about it; empty if nothing."""

    subject: str
    text: str
    state: State = State.GOOD
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.state.value:<8}{self.subject:<9}{self.text}"


def steps(findings: Sequence[Finding]) -> list[str]:
    """The remedies: those of problems first, otherwise in the order of the findings; each once."""
    ordered = sorted(findings, key=lambda finding: finding.state is not State.PROBLEM)
    return list(dict.fromkeys(finding.remedy for finding in ordered if finding.remedy))


def has_problem(findings: Sequence[Finding]) -> bool:
    return any(finding.state is State.PROBLEM for finding in findings)


def report(findings: Sequence[Finding]) -> list[str]:
    """One line per finding, then the next steps, numbered."""
    todo = steps(findings)
    if not todo:
        return [*map(str, findings), "", "Nothing to do."]
    return [*map(str, findings), "", "Next:", *(f"{number}. {step}" for number, step in enumerate(todo, start=1))]
