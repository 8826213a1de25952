"""Imports go one way: __init__ → nodes → hallo2_core, and inside the core only to the right in LAYERS."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOST_MODULES = {"comfy", "comfy_api", "comfy_execution", "comfy_extras", "folder_paths", "server", "nodes", "execution"}
# Each layer may import from its own and from those after it.
LAYERS = (
    {"cli", "__main__"},
    {"selftest", "training"},
    {"inspection", "animation", "upscaling"},
    {"audio", "portrait", "timeline", "jobs", "video"},
    {"checkpoints"},
    {"models"},
    {"storage"},
    {"config", "payloads", "runtime", "errors", "examples", "__version__"},
)


def runtime_imports(path: Path):
    """Every import statement but those under `if TYPE_CHECKING:`."""

    def visit(node):
        for child in ast.iter_child_nodes(node):
            is_type_checking = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
            if isinstance(child, ast.Import | ast.ImportFrom):
                yield child
            elif not is_type_checking:
                yield from visit(child)

    yield from visit(ast.parse(path.read_text(encoding="utf-8")))


def absolute_targets(path: Path, node):
    """The dotted names an import statement reaches, relative ones resolved against the repository root."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not node.level:
        return [node.module]
    package = path.relative_to(ROOT).parent.parts
    base = package[: len(package) - node.level + 1]
    if node.module:
        return [".".join((*base, node.module))]
    return [".".join((*base, alias.name)) for alias in node.names]


def layer_of(part: str) -> int:
    for number, layer in enumerate(LAYERS):
        if part in layer:
            return number
    raise AssertionError(f"hallo2_core/{part} has no place in LAYERS: give it one")


CORE_FILES = sorted((ROOT / "hallo2_core").rglob("*.py"))
NODE_FILES = sorted((ROOT / "nodes").rglob("*.py"))


@pytest.mark.parametrize("path", CORE_FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_core_imports_only_to_its_right_and_never_the_host(path):
    own = path.relative_to(ROOT / "hallo2_core").parts[0].removesuffix(".py")
    for node in runtime_imports(path):
        for target in absolute_targets(path, node):
            parts = target.split(".")
            assert parts[0] not in HOST_MODULES, f"line {node.lineno} imports the host's {target}"
            if parts[0] == "hallo2_core" and len(parts) > 1 and own != "__init__":
                assert layer_of(parts[1]) >= layer_of(own), f"line {node.lineno}: {own} must not import {parts[1]}"


@pytest.mark.parametrize("path", NODE_FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_the_door_imports_the_host(path):
    for node in runtime_imports(path):
        for target in absolute_targets(path, node):
            top = target.split(".")[0]
            if getattr(node, "level", 0) or path.name == "host.py":
                continue
            assert top not in HOST_MODULES - {"comfy_api"}, f"line {node.lineno}: only host.py may import {target}"
