"""Layouts: which node lies where. Columns of groups of nodes, as close as the drawn nodes allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import tomllib

TITLE_BAR_PX, GROUP_TITLE_PX, MARGIN_PX, GAP_PX = 30, 24, 10, 20
COLORS = {"read": "#7a4a6a", "input": "#3f789e", "prepare": "#8a6d3b", "make": "#8888aa", "save": "#3f6a59"}
NOTE = "note"


@dataclass(frozen=True)
class Group:
    """A titled frame around nodes, the first at the top. nodes: keys of the API graph, or "note"."""

    title: str
    color: str
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class Column:
    width: int
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Subgraph:
    """The nodes that one node stands for, and what of them is seen from outside.

    inputs: name → the inputs that it sets, as (node, input). outputs: name → (node, output number).
    """

    name: str
    node: str
    description: str
    category: str
    columns: tuple[Column, ...]
    inputs: Mapping[str, tuple[tuple[str, str], ...]]
    outputs: Mapping[str, tuple[str, int]]

    @property
    def nodes(self) -> list[str]:
        return [node for column in self.columns for group in column.groups for node in group.nodes]


@dataclass(frozen=True)
class Layout:
    """A file of workflows/layouts. heights: by key, for nodes with a picture or a text in them: the least."""

    note: str
    columns: tuple[Column, ...]
    heights: Mapping[str, int]
    subgraph: Subgraph | None

    @classmethod
    def read(cls, path: Path) -> Layout:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        return cls(found["note"], _columns(found), found.get("heights", {}), _subgraph(found.get("subgraph")))

    def all_columns(self) -> tuple[Column, ...]:
        return self.columns + (self.subgraph.columns if self.subgraph else ())


def _columns(found: dict) -> tuple[Column, ...]:
    return tuple(
        Column(
            column["width"],
            tuple(Group(group["title"], COLORS[group["kind"]], tuple(group["nodes"])) for group in column["groups"]),
        )
        for column in found["columns"]
    )


def _subgraph(found: dict | None) -> Subgraph | None:
    if found is None:
        return None
    inputs = {name: tuple((node, into) for node, into in ends) for name, ends in found["inputs"].items()}
    outputs = {name: (node, slot) for name, (node, slot) in found["outputs"].items()}
    named = (found[key] for key in ("name", "node", "description", "category"))
    return Subgraph(*named, _columns(found), inputs, outputs)


def place(columns: tuple[Column, ...], nodes: Mapping[str, dict], heights: Mapping[str, int]) -> list[dict]:
    """Sets position and size of the nodes (by key, in the editor's format); returns the editor's groups."""
    groups: list[dict] = []
    left = 0
    for column in columns:
        top, outer_width = 0, column.width + 2 * MARGIN_PX
        for group in column.groups:
            y = top + GROUP_TITLE_PX + MARGIN_PX
            for key in group.nodes:
                y += TITLE_BAR_PX
                nodes[key]["pos"], nodes[key]["size"] = [left + MARGIN_PX, y], [column.width, heights[key]]
                y += heights[key] + MARGIN_PX
            groups.append(
                {
                    "id": len(groups) + 1,
                    "title": group.title,
                    "bounding": [left, top, outer_width, y - top],
                    "color": group.color,
                    "font_size": 22,
                    "flags": {},
                }
            )
            top = y + GAP_PX
        left += outer_width + GAP_PX
    return groups
