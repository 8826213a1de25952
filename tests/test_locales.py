"""locales/: every language has the texts of locales/en, which a test in the host compares with the nodes' schemas."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCALES = ROOT / "locales"
TRANSLATIONS = ["zh", "ja", "ko"]
FILES = ["main.json", "nodeDefs.json"]
# Facts, which no language changes: numbers, paths and file names, and what stands in quotes.
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?")
PATH = re.compile(r"\w+/[\w/]+|\w[\w-]*\.(?:pth|safetensors|onnx)\b")
QUOTED = re.compile(r"(?<!\w)'([^']+)'")
LITERAL = r'"(?:[^"\\]|\\.)*"'
CALL = re.compile(rf"(?:\bt|\.error)\(\s*({LITERAL}(?:\s*\+\s*{LITERAL})*)")  # of what js/timeline/words.mjs translates
VALUE = re.compile(r"\{\w+\}")
HOSTS_OWN_NODES = {"Load VAE", "Load Image", "Load Audio"}  # translated by the host, in its own way


def texts(language, file):
    """The texts of a file by the path of their keys."""
    return dict(_flat(json.loads((LOCALES / language / file).read_text(encoding="utf-8"))))


def _flat(part, at=()):
    for key, value in part.items():
        yield from _flat(value, (*at, key)) if isinstance(value, dict) else [((*at, key), value)]


def test_every_language_is_tested():
    assert sorted(path.name for path in LOCALES.iterdir()) == sorted(["en", *TRANSLATIONS])
    for folder in LOCALES.iterdir():
        assert sorted(path.name for path in folder.iterdir()) == FILES


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("language", TRANSLATIONS)
def test_a_translation_has_exactly_the_keys_of_the_english_texts(language, file):
    english, translated = set(texts("en", file)), set(texts(language, file))
    assert not english - translated, "missing"
    assert not translated - english, "stale"


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("language", ["en", *TRANSLATIONS])
def test_no_text_is_empty_or_holds_syntax_of_vue_i18n(language, file):
    """The editor compiles the texts: at a lone @ or brace, the older one fails to load any node."""
    for key, text in texts(language, file).items():
        assert text.strip() and text == text.strip(), key
        assert not set("@{}|") & set(text), (key, text)


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_a_translation_states_the_same_facts(language):
    english, translated = texts("en", "nodeDefs.json"), texts(language, "nodeDefs.json")
    titles = {text: translated[key] for key, text in english.items() if key[1] == "display_name"}
    titles |= {text.removesuffix(" (Hallo2)"): own.removesuffix(" (Hallo2)") for text, own in titles.items()}
    for key, text in english.items():
        own = translated[key]
        if key[1] == "display_name":
            assert own.endswith(" (Hallo2)"), key
        if key[-1] in ("tooltip", "description"):
            assert set(NUMBER.findall(text)) <= set(NUMBER.findall(own)), key
            for fact in {*PATH.findall(text), *QUOTED.findall(text)} - HOSTS_OWN_NODES:
                assert titles.get(fact, fact) in own, (key, fact)


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_tooltips_are_translated(language):
    english, translated = texts("en", "nodeDefs.json"), texts(language, "nodeDefs.json")
    assert not [key for key, text in english.items() if key[-1] != "name" and translated[key] == text]


def words_of_the_timeline():
    """Every text that the modules of js/timeline show."""
    for module in (ROOT / "js" / "timeline").glob("*.mjs"):
        for call in CALL.findall(module.read_text(encoding="utf-8")):
            yield "".join(json.loads(literal) for literal in re.findall(LITERAL, call))


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_the_timeline_editor_has_its_words_in_every_language(language):
    words, english = json.loads((ROOT / f"js/words/{language}.json").read_text("utf-8")), set(words_of_the_timeline())
    assert len(english) > 50 and english - set(words) == set() and set(words) - english == set()
    for text, own in words.items():
        assert own.strip() and set(VALUE.findall(own)) == set(VALUE.findall(text)), text
        assert set(NUMBER.findall(text)) <= set(NUMBER.findall(own)), text
