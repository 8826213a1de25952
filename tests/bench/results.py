"""What a bench prints and writes: a table, and as JSON the same rows with the machine, the versions and the date."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import torch  # noqa: E402

from tools.card.machine import describe_machine  # noqa: E402
from tools.card.report import table  # noqa: E402

Row = Mapping[str, object]  # column → number or text
META, CPU = torch.device("meta"), torch.device("cpu")


def bench_parser(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result there")
    return parser


def publish(rows: Sequence[Row], device: torch.device, json_file: Path | None, above: Sequence[str] = ()) -> int:
    """Print the rows as a table, and write them. above: the limits that are exceeded. Returns the exit status."""
    print(as_table(rows))
    if json_file is not None:
        result = {
            "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "machine": describe_machine(device),
            "rows": rows,
            "above": above,
        }
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for line in above:
        print(line, file=sys.stderr)
    return int(bool(above))


def as_table(rows: Sequence[Row]) -> str:
    """Markdown. Rows may lack columns."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    return table(columns, ([row.get(column) for column in columns] for row in rows))
