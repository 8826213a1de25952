"""What users and files write does nothing to a terminal or to the editor."""

import ast
import logging
from pathlib import Path

import pytest

from hallo2_core.cli import output
from hallo2_core.shown_text import as_html, in_one_line, lines, one_line

COMMANDS = sorted(Path(output.__file__).parent.glob("*.py"))
HOSTILE = {
    "\x1b[31mred": r"\x1b[31mred",
    "\x9b2J": r"\x9b2J",
    "bell\a\b\r": r"bell\x07\x08\x0d",
    "\u202egpj.exe": r"\u202egpj.exe",
    "a\u2066b\u2028c": r"a\u2066b\u2028c",
    "half \ud800": r"half \ud800",
    "line\nbreak": r"line\x0abreak",
}


@pytest.mark.parametrize(("text", "shown"), HOSTILE.items(), ids=map(repr, HOSTILE))
def test_what_acts_on_a_terminal_is_shown_as_its_code(text, shown):
    assert one_line(text) == shown
    one_line(text).encode()


@pytest.mark.parametrize("text", ["plain", "naïve 视频 한국어 עברית", "a\u3000b\u00a0c", "😀", ""])
def test_other_text_stays(text):
    assert one_line(text) == text and lines(f"{text}\n{text}") == f"{text}\n{text}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)&gt;"),
        ("[[Update now|https://example.com]]", "&#91;&#91;Update now|https://example.com]]"),
        ("it's &lt;", "it's &amp;lt;"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_the_editor_gets_no_html(text, shown):
    assert as_html(text) == shown


def test_a_log_record_stays_in_its_line(caplog):
    logger = logging.getLogger("hallo2.shown")
    logger.addFilter(in_one_line)
    logger.warning("%s is damaged (%d)", Path("a\n\x1b[2J.mp4"), 3)
    assert caplog.messages == [r"a\x0a\x1b[2J.mp4 is damaged (3)"]


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.stem)
def test_commands_print_by_way_of_output_or_json(path):
    """JSON escapes such characters by itself."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    printed = [ast.unparse(call) for call in calls if ast.unparse(call.func) == "print"]
    assert all(text.startswith("print(json.dumps(") for text in printed) or path.stem == "output"
    written = [ast.unparse(call) for call in calls if ast.unparse(call.func).endswith("stderr.write")]
    assert not written or path.stem in ("output", "__init__")  # there a constant
