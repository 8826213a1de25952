"""JSON from files and tags of unknown origin."""

from __future__ import annotations

import json
from typing import Any

MOST_LEVELS = 64  # of nesting: whatever walks the value recursively has room


def parse_json(text: str | bytes) -> Any:  # noqa: ANN401 - any value of JSON
    """As `json.loads`. Errors: ValueError, also for text that is not UTF-8 or is nested too deeply."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    level = [value]
    for _ in range(MOST_LEVELS):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return value
    raise ValueError(f"it is nested more than {MOST_LEVELS} levels deep")


def _inside(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
