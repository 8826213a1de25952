"""What the pages promise: messages that exist, commands that parse, keys that are printed, links to files."""

import ast
import contextlib
import io
import json
import re
import shlex
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import tiny

from hallo2_core.cli import _parser, main
from hallo2_core.cli.result import report
from hallo2_core.jobs.job import Job

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
AGENTS = (ROOT / "docs" / "agents.md").read_text(encoding="utf-8")
VALUE = "…"  # in place of what a message inserts


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def messages_of_the_code():
    """Every string, f-strings with VALUE in place of their values."""
    for path in [*(ROOT / "hallo2_core").rglob("*.py"), *(ROOT / "nodes").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                yield "".join(part.value if isinstance(part, ast.Constant) else VALUE for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def quoted():
    for page in ("docs/troubleshooting.md", "README.md"):
        found = re.findall(r'\*\*"([^"]+)"\*\*', read(page))
        assert found, f"{page} quotes no message"
        yield from ((page, message) for message in found)


def test_quoted_messages_are_in_the_code():
    """VALUE stands for a value, or for text around one."""
    code = "\n".join(messages_of_the_code())
    missing = [
        (page, message)
        for page, message in quoted()
        if not re.search(r"[^\n]*?".join(map(re.escape, message.split(VALUE))), code)
    ]
    assert not missing


def headings(page):
    """The anchors of a page, as GitHub names them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_links_to_headings_lead_to_headings():
    links = [
        (page, *link.groups())
        for page in PAGES
        for link in re.finditer(r"\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)", page.read_text("utf-8"))
    ]
    assert links
    dead = [
        (page.name, file, name)
        for page, file, name in links
        if name not in headings(page.parent / file if file else page)
    ]
    assert not dead


def test_links_lead_to_files():
    links = [(page, link) for page in PAGES for link in re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8"))]
    dead = [(page.name, link) for page, link in links if "://" not in link and not (page.parent / link).exists()]
    assert len(links) > 50 and not dead


def test_the_index_has_every_page():
    index = read("docs/README.md")
    missing = [page.name for page in (ROOT / "docs").glob("*.md") if f"({page.name})" not in index]
    assert missing == ["README.md"]


def test_the_list_of_nodes_has_every_node():
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "nodes").glob("*.py"))
    names, listed = re.findall(r'display_name="(.+) \(Hallo2\)"', sources), read("docs/nodes.md")
    assert len(names) > 20 and [name for name in names if name not in listed] == []


def commands(page):
    """The lines that call the program, without comments, except those with placeholders and a shell's variables."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in re.findall(r"^ *(hallo2 [a-z].*)$", text, flags=re.MULTILINE):
        words = shlex.split(line, comments=True)
        if not any(VALUE in word or "$" in word for word in words):
            yield words[1:]


def test_commands_in_the_pages_have_the_options_that_they_are_given():
    parser, refused, tried = _parser(), [], 0
    for page in PAGES:
        for words in commands(page):
            said = io.StringIO()
            with contextlib.redirect_stderr(said), contextlib.suppress(SystemExit):
                parser.parse_args(words)
            tried += 1
            refused += [(page.name, said.getvalue())] if said.getvalue() else []
    assert tried > 30 and not refused, refused


def promised_keys(command):
    """Of the table of results: the keys beside a command, those of its list separately."""
    row = re.search(rf"^\| [^|]*`{re.escape(command)}`[^|]* \| (.+) \|$", AGENTS, flags=re.MULTILINE).group(1)
    inner = re.search(r"\(each with (.+?)\)", row)
    names = re.compile(r"`(\w+)`")
    return set(names.findall(re.sub(r"\(each.+?\)", "", row))), set(names.findall(inner.group(1)) if inner else ())


def printed(capsys, *words):
    main([*map(str, words), "--json"])
    return json.loads(capsys.readouterr().out)


def test_renders_print_the_promised_keys(capsys):
    video = SimpleNamespace(path="a.mp4", frames=1, fps=25, seconds=0.04, width=64, height=64, resumed_from_clip=0)
    report(video, 0.0, as_json=True)
    assert set(json.loads(capsys.readouterr().out)) == promised_keys("hallo2 animate --json")[0]


def test_commands_print_the_promised_keys(capsys, tmp_path):
    with Job(tmp_path / "a.mp4.hallo2", tiny.job_key("key")) as job:
        job.append(bytes(10), 16, {})
    for command, words, each in (
        ("jobs", ("--jobs", tmp_path), "jobs"),
        ("doctor", ("--models", tmp_path, "--out", tmp_path), "findings"),
        ("download", ("--models", tmp_path), None),
    ):
        result = printed(capsys, command, *words)
        keys, keys_of_each = promised_keys(f"hallo2 {command} --json")
        assert set(result) == keys, command
        assert each is None or set(result[each][0]) == keys_of_each, command


def test_inspect_prints_the_promised_keys(capsys, tmp_path):
    video = tmp_path / "a.mp4"
    with av.open(str(video), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode(None))
    assert set(printed(capsys, "inspect", video)) == promised_keys("hallo2 inspect --json")[0]
    assert set(printed(capsys, "inspect", video, "--metadata-only")) == {"video", "record"}


def test_the_inputs_that_the_api_page_names_are_in_the_graphs():
    page, graphs = read("docs/api.md"), [json.loads(path.read_text("utf-8")) for path in ROOT.glob("workflows/api/*")]
    known = {f"{node['class_type']}.{name}" for graph in graphs for node in graph.values() for name in node["inputs"]}
    named = set(re.findall(r"`([A-Z]\w+\.[a-z_]+)[=`]", page))
    assert len(named) > 10 and named <= known, named - known
