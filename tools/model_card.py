"""Write the tables of docs/model_card.md: from the demo model's files, figures.json and quality.json beside them.

python tests/bench/demo_quality.py --json hallo2_core/checkpoints/trained/quality.json    # measures; section by section
python tools/model_card.py
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from doc_blocks import fill_blocks, markdown_table
from safetensors import safe_open

from hallo2_core.checkpoints.demo import TRAINED
from hallo2_core.storage.file_hash import sha256_of

PAGE = Path(__file__).parents[1] / "docs" / "model_card.md"
# The other keys of a part are its figures.
IN_TABLE = ("parameters", "processor_minutes", "card_minutes", "steps", "data")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--page", type=Path, default=PAGE)
    arguments = parser.parse_args()
    parts = json.loads((TRAINED / "figures.json").read_text(encoding="utf-8"))
    quality = TRAINED / "quality.json"
    sections = json.loads(quality.read_text(encoding="utf-8")) if quality.is_file() else {}
    blocks = {"parts": parts_table(parts), "training": training_figures(parts), "quality": quality_tables(sections)}
    fill_blocks(arguments.page, blocks)


def parts_table(parts: Mapping[str, Mapping[str, Any]]) -> str:
    rows, values, size, minutes, card = [], 0, 0, 0.0, 0.0
    for name, part in parts.items():
        path = TRAINED / name
        rows.append(
            [
                f"`{name}`",
                f"{_values(path):,}",
                f"{path.stat().st_size / 1e6:.1f}",
                f"{part.get('processor_minutes', 0):g}",
                f"{part.get('card_minutes', 0):g}",
                str(part.get("steps", "")),
                str(part.get("data", "")),
            ]
        )
        values, size = values + _values(path), size + path.stat().st_size
        minutes, card = minutes + part.get("processor_minutes", 0), card + part.get("card_minutes", 0)
    rows.append(["together", f"{values:,}", f"{size / 1e6:.1f}", f"{minutes:g}", f"{card:g}", "", ""])
    return markdown_table(["file", "values", "MB", "processor minutes", "card minutes", "steps", "data"], rows)


def training_figures(parts: Mapping[str, Mapping[str, Any]]) -> str:
    rows = []
    for name, part in parts.items():
        figures = {key: value for key, value in part.items() if key not in IN_TABLE}
        rows += [[f"`{name}`", f"{key}: {value}"] for key, value in _flat(figures)]
    return markdown_table(["file", "figure"], rows)


def quality_tables(sections: Mapping[str, Mapping[str, Any]]) -> str:
    tables = []
    for name, section in sections.items():
        rows = [
            [
                figure["name"],
                f"{figure.get('value', math.nan):.3g}",
                _target(figure),
                {True: "reached", False: "**missed**"}.get(figure.get("reached"), ""),
                *(f"{figure[of]:.3g}" if of in figure else "" for of in ("truth", "through_vae")),
            ]
            for figure in section["figures"]
        ]
        header = ["", "measured", "target", "", "drawn frames", "drawn frames, through the VAE"]
        tables += [f"**{name}**, {_circumstances(section)}", markdown_table(header, rows)]
    return "\n\n".join(tables) or "Not measured."


def _circumstances(section: Mapping[str, Any]) -> str:
    clips = section["clips"]
    said = f"{clips} clip{'s' * (clips > 1)} of {section['seconds']:g} s, {section['measured']}"
    others = [name for name, digits in section["weights"].items() if not _is(TRAINED / name, digits)]
    return f"{said}; with earlier weights of {', '.join(f'`{name}`' for name in others)}" if others else said


def _is(path: Path, digits: str) -> bool:
    return path.is_file() and sha256_of(path).startswith(digits)


def _target(figure: Mapping[str, Any]) -> str:
    if "least" in figure and "most" in figure:
        return f"{figure['least']:g} to {figure['most']:g}"
    return f"≥ {figure['least']:g}" if "least" in figure else f"≤ {figure['most']:g}" if "most" in figure else ""


def _flat(figures: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for key, value in figures.items():
        name = f"{above}{key.replace('_', ' ')}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}, ")
        else:
            yield name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _values(path: Path) -> int:
    with safe_open(path, "pt") as file:
        return sum(math.prod(file.get_slice(key).get_shape()) for key in file.keys())  # noqa: SIM118


if __name__ == "__main__":
    main()
