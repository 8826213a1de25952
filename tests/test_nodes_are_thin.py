"""Nodes unwrap, call the core once, and wrap: their logic is in the core, testable without the host."""

import ast
from pathlib import Path

import pytest

NODES = Path(__file__).parents[1] / "nodes"
BODIES = ("execute", "make_video")
MOST_STATEMENTS = 15


def bodies(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name in BODIES:
            yield node


@pytest.mark.parametrize("path", sorted(NODES.glob("*.py")), ids=lambda path: path.stem)
def test_a_node_has_few_statements_beside_its_imports(path):
    found = list(bodies(path))
    assert found or path.stem == "__init__"
    for body in found:
        statements = [
            node
            for node in ast.walk(body)
            if isinstance(node, ast.stmt) and node is not body and not isinstance(node, ast.Import | ast.ImportFrom)
        ]
        assert len(statements) <= MOST_STATEMENTS, f"{path.name}, line {body.lineno}: {len(statements)} statements"
