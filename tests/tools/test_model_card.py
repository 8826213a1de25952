"""Pages with parts that scripts write."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / "tools"


@pytest.fixture(autouse=True)
def tools_on_path(monkeypatch):
    """As Python puts the folder of a script there."""
    monkeypatch.syspath_prepend(str(TOOLS))


def test_a_block_is_replaced_and_the_rest_of_the_page_stays(tmp_path):
    from doc_blocks import fill_blocks

    page = tmp_path / "page.md"
    page.write_text(
        "Above\n<!-- one -->\nold\nlines\n<!-- end of one -->\nbetween\n<!-- two -->\n<!-- end of two -->\n"
    )
    for _ in range(2):
        fill_blocks(page, {"one": "new", "two": "also new\n"})
        assert page.read_text() == (
            "Above\n<!-- one -->\nnew\n<!-- end of one -->\nbetween\n<!-- two -->\nalso new\n<!-- end of two -->\n"
        )
    with pytest.raises(ValueError, match="<!-- three -->"):
        fill_blocks(page, {"three": "nowhere"})


def test_the_card_has_every_file_and_figure(tmp_path):
    from hallo2_core.checkpoints.demo import TRAINED

    page = tmp_path / "model_card.md"
    shutil.copy(ROOT / "docs" / "model_card.md", page)
    done = subprocess.run([sys.executable, str(TOOLS / "model_card.py"), "--page", str(page)], timeout=120)
    card = page.read_text(encoding="utf-8")
    assert done.returncode == 0
    for name, part in json.loads((TRAINED / "figures.json").read_text()).items():
        minutes = f"{part['processor_minutes']:g} | {part.get('card_minutes', 0):g}"
        assert f"| `{name}` |" in card and f"| {minutes} | {part['steps']} |" in card


def test_figures_of_other_weights_are_said_to_be_so():
    from model_card import quality_tables

    figures = [
        {"name": "sync", "value": 0.8831, "least": 0.9, "truth": 0.965, "reached": False},
        {"name": "amplitude", "value": 1.05, "least": 0.8, "most": 1.25, "reached": True},
        {"name": "shift", "value": 0.0},
    ]
    section = {
        "measured": "2026-11-26",
        "weights": {"small_vae.safetensors": "0123456789ab"},
        "clips": 2,
        "seconds": 2.56,
    }
    card = quality_tables({"sync": section | {"figures": figures}})
    assert "2 clips of 2.56 s, 2026-11-26; with earlier weights of `small_vae.safetensors`" in card
    assert "| sync | 0.883 | ≥ 0.9 | **missed** | 0.965 |  |" in card
    assert "| amplitude | 1.05 | 0.8 to 1.25 | reached |  |  |" in card and "| shift | 0 |  |  |  |  |" in card


def test_figures_of_these_weights_need_no_remark():
    from model_card import quality_tables

    from hallo2_core.checkpoints.demo import TRAINED
    from hallo2_core.storage.file_hash import sha256_of

    digits = sha256_of(TRAINED / "small_vae.safetensors")[:12]
    section = {"measured": "2026-11-26", "weights": {"small_vae.safetensors": digits}, "clips": 1, "seconds": 600.0}
    assert quality_tables({"long": section | {"figures": []}}).startswith("**long**, 1 clip of 600 s, 2026-11-26\n")
