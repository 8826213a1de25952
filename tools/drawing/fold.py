"""Nodes → one node with a subgraph in it, in the editor's file format."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from drawing.layout import MARGIN_PX, TITLE_BAR_PX, Subgraph, place

INPUT_NODE, OUTPUT_NODE = -10, -20  # the format's ids for the two edges of a subgraph
EDGE_WIDTH_PX, SLOT_PX = 160, 20


def fold(graph: dict, wanted: Subgraph, heights: Mapping[str, int], namespace: uuid.UUID) -> dict:
    """graph: flat; its nodes that `wanted` names become one. Returns the new graph."""
    nodes = {str(node["id"]): node for node in graph["nodes"]}
    inside = {int(key) for key in wanted.nodes}
    inner = {key: nodes[key] for key in wanted.nodes}
    links = [dict(zip(LINK_KEYS, link, strict=True)) for link in graph["links"]]
    crossing = [link for link in links if (link["origin_id"] in inside) != (link["target_id"] in inside)]
    subgraph_id = str(uuid.uuid5(namespace, wanted.name))

    outer_node = _node_for(wanted, subgraph_id)
    outer_links = [link for link in links if not {link["origin_id"], link["target_id"]} & inside]
    inner_links = [link for link in links if {link["origin_id"], link["target_id"]} <= inside]
    next_id = max(link["id"] for link in links) + 1
    edges_in, edges_out = [], []
    for slot, (name, ends) in enumerate(wanted.inputs.items()):
        made = []
        for key, into in ends:
            target_slot, target = _input(inner[key], into)
            made.append(_link(next_id, INPUT_NODE, slot, int(key), target_slot, target["type"]))
            came = [link for link in crossing if (link["target_id"], link["target_slot"]) == (int(key), target_slot)]
            for link in came:
                outer_links.append(link | {"target_id": outer_node["id"], "target_slot": slot})
                outer_node["inputs"][slot]["link"] = link["id"]
            target["link"] = next_id
            next_id += 1
        kind = made[0]["type"]
        outer_node["inputs"][slot] |= {"type": kind} | ({} if "widget" not in target else {"widget": {"name": name}})
        edges_in.append(_edge(namespace, wanted.name, "in", name, kind, made))
        inner_links += made
    for slot, (name, (key, from_slot)) in enumerate(wanted.outputs.items()):
        output = inner[key]["outputs"][from_slot]
        link = _link(next_id, int(key), from_slot, OUTPUT_NODE, slot, output["type"])
        left = [link for link in crossing if (link["origin_id"], link["origin_slot"]) == (int(key), from_slot)]
        outer_links += [each | {"origin_id": outer_node["id"], "origin_slot": slot} for each in left]
        outer_node["outputs"][slot] |= {"type": output["type"], "links": [each["id"] for each in left]}
        output["links"] = [each["id"] for each in inner_links if _starts(each, int(key), from_slot)] + [next_id]
        edges_out.append(_edge(namespace, wanted.name, "out", name, output["type"], [link]))
        inner_links.append(link)
        next_id += 1

    groups = place(wanted.columns, inner, heights)
    right = max(group["bounding"][0] + group["bounding"][2] for group in groups)
    definition = {
        "id": subgraph_id,
        "version": 1,
        "state": {"lastGroupId": len(groups), "lastNodeId": max(inside), "lastLinkId": next_id - 1, "lastRerouteId": 0},
        "revision": 0,
        "config": {},
        "name": wanted.name,
        "inputNode": {"id": INPUT_NODE, "bounding": _at_the_edge(-EDGE_WIDTH_PX - 2 * MARGIN_PX, edges_in)},
        "outputNode": {"id": OUTPUT_NODE, "bounding": _at_the_edge(right + 2 * MARGIN_PX, edges_out)},
        "inputs": edges_in,
        "outputs": edges_out,
        "widgets": [],
        "nodes": list(inner.values()),
        "groups": groups,
        "links": inner_links,
        "extra": {},
        "category": wanted.category,
        "description": wanted.description,
    }
    return graph | {
        "nodes": [node for node in graph["nodes"] if node["id"] not in inside] + [outer_node],
        "links": [[link[key] for key in LINK_KEYS] for link in sorted(outer_links, key=lambda link: link["id"])],
        "definitions": {"subgraphs": [definition]},
    }


def blueprint(graph: dict) -> dict:
    """The file of `subgraphs/`: a folded graph without the nodes around its subgraph."""
    (definition,) = graph["definitions"]["subgraphs"]
    (node,) = [node for node in graph["nodes"] if node["type"] == definition["id"]]
    alone = node | {
        "pos": [0, 0],
        "inputs": [each | {"link": None} for each in node["inputs"]],
        "outputs": [each | {"links": []} for each in node["outputs"]],
    }
    return {
        "id": definition["id"],
        "revision": 0,
        "last_node_id": definition["state"]["lastNodeId"],
        "last_link_id": 0,
        "nodes": [alone],
        "links": [],
        "groups": [],
        "definitions": graph["definitions"],
        "config": {},
        "extra": {"BlueprintDescription": definition["description"]},
        "version": 0.4,
    }


LINK_KEYS = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")


def _link(*values: int | str) -> dict:
    return dict(zip(LINK_KEYS, values, strict=True))


def _starts(link: dict, node: int, slot: int) -> bool:
    return (link["origin_id"], link["origin_slot"]) == (node, slot)


def _input(node: dict, name: str) -> tuple[int, dict]:
    ((slot, found),) = [(slot, each) for slot, each in enumerate(node["inputs"]) if each["name"] == name]
    return slot, found


def _node_for(wanted: Subgraph, subgraph_id: str) -> dict:
    return {
        "id": int(wanted.node),
        "type": subgraph_id,
        "title": wanted.name,
        "flags": {},
        "order": 0,
        "mode": 0,
        "inputs": [{"name": name, "link": None} for name in wanted.inputs],
        "outputs": [{"name": name, "links": []} for name in wanted.outputs],
        "properties": {},
        "widgets_values": [],
    }


def _edge(namespace: uuid.UUID, subgraph: str, side: str, name: str, kind: str, links: list[dict]) -> dict:
    return {
        "id": str(uuid.uuid5(namespace, f"{subgraph} {side} {name}")),
        "name": name,
        "type": kind,
        "linkIds": [link["id"] for link in links],
        "localized_name": name,
        "pos": [0, 0],
    }


def _at_the_edge(left: int, slots: list[dict]) -> list[int]:
    for number, slot in enumerate(slots):
        slot["pos"] = [left + EDGE_WIDTH_PX - SLOT_PX, TITLE_BAR_PX + SLOT_PX * number]
    return [left, 0, EDGE_WIDTH_PX, TITLE_BAR_PX + SLOT_PX * (len(slots) + 1)]
