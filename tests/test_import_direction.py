"""Imports go one way: __init__ → nodes → hallo2_core, inside the core only down ORDER, and never in a circle."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOST_MODULES = {
    "comfy", "comfy_api", "comfy_execution", "comfy_extras", "comfyui_version", "folder_paths", "server", "nodes",
    "execution",
}  # fmt: skip
# Each package may import those after it. Imports for type checking count: a name is a dependency.
ORDER = (
    "__main__",
    "cli",
    "farm",
    "doctor",
    "training",
    "selftest",
    "evaluation",
    "inspection",
    "upscaling",
    "animation",
    "timeline",
    "portrait",
    "downloads",
    "jobs",
    "video",
    "audio",
    "checkpoints",
    "storage",
    "models",
    "memory_retry",
    "runtime",
    "offload",
    "arithmetic",
    "payloads",
    "config",
    "examples",
    "shown_text",
    "errors",
    "__version__",
)


def imports_of(path: Path):
    """Every import statement, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node


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


def place_of(part: str) -> int:
    assert part in ORDER, f"hallo2_core/{part} has no place in ORDER: give it one"
    return ORDER.index(part)


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imported_files(path: Path) -> set[str]:
    """The pack's own files that `path` imports, by their dotted names; packages' __init__ files aside."""
    names = set()
    for node in imports_of(path):
        targets = absolute_targets(path, node)
        if isinstance(node, ast.ImportFrom):
            targets += [f"{target}.{alias.name}" for target in targets for alias in node.names]
        names.update(target for target in targets if target in FILES and target != module_of(path))
    return names


def circles(imports: dict[str, set[str]]) -> list[list[str]]:
    """Every circle found by walking depth first, as the names along it."""
    found, done = [], set()

    def walk(name: str, trail: list[str]) -> None:
        if name in trail:
            found.append([*trail[trail.index(name) :], name])
            return
        if name in done:
            return
        for target in sorted(imports.get(name, ())):
            walk(target, [*trail, name])
        done.add(name)

    for name in sorted(imports):
        walk(name, [])
    return found


CORE_FILES = sorted((ROOT / "hallo2_core").rglob("*.py"))
NODE_FILES = sorted((ROOT / "nodes").rglob("*.py"))
FILES = {module_of(path): path for path in (*CORE_FILES, *NODE_FILES)}


@pytest.mark.parametrize("path", CORE_FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_core_imports_only_to_its_right_and_never_the_host(path):
    own = path.relative_to(ROOT / "hallo2_core").parts[0].removesuffix(".py")
    for node in imports_of(path):
        for target in absolute_targets(path, node):
            parts = target.split(".")
            assert parts[0] not in HOST_MODULES, f"line {node.lineno} imports the host's {target}"
            if parts[0] == "hallo2_core" and len(parts) > 1 and own != "__init__":
                assert place_of(parts[1]) >= place_of(own), f"line {node.lineno}: {own} must not import {parts[1]}"


@pytest.mark.parametrize("path", NODE_FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_nodes_host_imports_the_host(path):
    for node in imports_of(path):
        for target in absolute_targets(path, node):
            top = target.split(".")[0]
            if getattr(node, "level", 0) or "host" in path.relative_to(ROOT / "nodes").parts[0]:
                continue
            assert top not in HOST_MODULES - {"comfy_api"}, f"line {node.lineno}: only nodes/host may import {target}"


NETWORK_MODULES = {"aiohttp", "ftplib", "http", "httpx", "huggingface_hub", "requests", "ssl", "urllib3"}
USES_OF_DOWNLOADS = {"hallo2_core/cli/download.py", "nodes/download_models.py"}


@pytest.mark.parametrize("path", (*CORE_FILES, *NODE_FILES), ids=lambda p: str(p.relative_to(ROOT)))
def test_only_downloads_use_the_network_and_only_when_asked(path):
    place = path.relative_to(ROOT).as_posix()
    targets = [target for node in imports_of(path) for target in absolute_targets(path, node)]
    if not place.startswith("hallo2_core/downloads/"):
        assert not [name for name in targets if name.split(".")[0] in NETWORK_MODULES or name == "urllib.request"]
        assert place in USES_OF_DOWNLOADS or not [name for name in targets if "hallo2_core.downloads" in name]


def test_no_file_imports_a_file_that_imports_it():
    assert circles({name: imported_files(path) for name, path in FILES.items()}) == []


def test_a_circle_is_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == [["b", "c", "b"]]
