"""Write locales/en from the nodes' schemas, as a running ComfyUI describes them.

    PYTHONPATH=tests/host .venv/bin/python tools/write_locales.py

The other languages are translated by hand; tests/test_locales.py names what they lack. Needs ComfyUI in ~/ComfyUI.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
ENGLISH = ROOT / "locales" / "en"


def main() -> None:
    from comfyui import Checkout, ComfyUI

    with ComfyUI(Checkout.find("~/ComfyUI"), [ROOT]) as host:
        nodes = {name: info for name, info in host.nodes().items() if name.startswith("Hallo2")}
    write(ENGLISH / "nodeDefs.json", node_texts(nodes))
    write(ENGLISH / "main.json", {"nodeCategories": categories(nodes)})


def node_texts(nodes: dict[str, Any]) -> dict[str, Any]:
    """nodeDefs.json: the texts of nodes as /object_info lists them."""
    return {name: _texts(info) for name, info in nodes.items()}


def categories(nodes: dict[str, Any]) -> dict[str, str]:
    """nodeCategories of main.json: every part of a category's path."""
    parts = (part for info in nodes.values() for part in info["category"].split("/"))
    return {part: part for part in dict.fromkeys(parts)}


def _texts(info: dict[str, Any]) -> dict[str, Any]:
    inputs = info["input"].get("required", {}) | info["input"].get("optional", {})
    outputs = zip(info["output"], info["output_name"], info["output_tooltips"], strict=True)
    return {
        "display_name": info["display_name"],
        "description": info["description"],
        "inputs": {name: {"name": name, "tooltip": options["tooltip"]} for name, (_, options) in inputs.items()},
        "outputs": {str(index): _output(*output) for index, output in enumerate(outputs)},
    }


def _output(kind: str, name: str, tooltip: str | None) -> dict[str, str]:
    """An output without a name of its own is shown by its type, which the host translates."""
    return ({"name": name} if name != kind else {}) | ({"tooltip": tooltip} if tooltip else {})


def write(path: Path, texts: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(texts, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
