import pytest
import torch
from seeded_models import SeededTextEncoder

from hallo2_core.errors import SettingsError
from hallo2_core.timeline.masking import Masking, mask_text, read_terms

EMBED = SeededTextEncoder().embed


def masked(text, terms, by="exact", unit="word", similarity=0.85, embed=EMBED):
    done = mask_text(text, Masking(read_terms(terms), by, similarity, unit), embed)
    return done.text, done.taken_out


def test_terms_stand_in_lines_or_between_commas():
    assert read_terms(" a, b c\n\n d ,a,\n") == ("a", "b c", "d")
    assert read_terms("") == ()


@pytest.mark.parametrize(
    "text, terms, left, taken_out",
    [
        ("a smiling cat", "dog", "a smiling cat", ()),
        ("a smiling cat", "", "a smiling cat", ()),
        ("  kept ,  as it is ", "dog", "  kept ,  as it is ", ()),
        ("a smiling cat", "SMILING", "a cat", ("smiling",)),
        ("smiles, smile, smiled", "smile", "smiles, smiled", ("smile",)),
        ("Straße, STRASSE", "strasse", "", ("Straße", "STRASSE")),
        ("semi-open mouth", "open", "semi- mouth", ("open",)),
        ("a very  wide grin. nod", "very wide", "a grin. nod", ("very  wide",)),
        ("very, wide", "very wide", "", ("very, wide",)),
        ("bad, good, bad, bad", "bad", "good", ("bad", "bad", "bad")),
        ("don't smile", "don", "don't smile", ()),
        ("don't smile", "don't", "smile", ("don't",)),
        ("笑顔 smile", "笑顔", "smile", ("笑顔",)),
        ("a b c d", "a b, b c", "d", ("a b c",)),
        ("... !", "a", "... !", ()),
        ("bad...", "bad", "", ("bad",)),
        ("bid bd", "b*d", "bid bd", ()),
    ],
)
def test_exact(text, terms, left, taken_out):
    assert masked(text, terms) == (left, taken_out)


@pytest.mark.parametrize(
    "text, terms, left",
    [
        ("smile smiling smirk", "smil*", "smirk"),
        ("smile smiling smirk", "smi??", "smiling"),
        ("wide open mouth", "wide *", "mouth"),
        ("a [b] c.d", "[ab]", "a [b] c.d"),
        ("don't", "d*n'?", ""),
        ("anything at all", "*", ""),
        ("anything", ".*", ""),
        ("smile", "...", "smile"),
        ("SMILE", "smi*", ""),
    ],
)
def test_pattern(text, terms, left):
    assert masked(text, terms, "pattern")[0] == left


def test_no_pattern_takes_long():
    assert masked("a" * 3000 + "b", "a*" * 40 + "c", "pattern")[1] == ()


def test_similarity_is_the_cosine_of_the_embeddings():
    def embed(texts):
        return torch.tensor([{"grin": [2.0, 0.0], "smile": [4.0, 3.0]}.get(text, [0.0, 1.0]) for text in texts])

    assert masked("grin smile nod Smile", "grin", "similarity", similarity=0.81, embed=embed) == (
        "smile nod Smile",
        ("grin",),
    )
    assert masked("grin smile nod Smile", "grin", "similarity", similarity=0.79, embed=embed)[0] == "nod"


@pytest.mark.parametrize(
    "text, left, taken_out",
    [
        ("He nods. He grins, a lot! He waits", "He nods. He waits", ("He grins, a lot!",)),
        ("He grins, a lot", "", ("He grins, a lot",)),
        ("He grins. He grins", "", ("He grins.", "He grins")),
    ],
)
def test_whole_sentences(text, left, taken_out):
    assert masked(text, "grins", unit="sentence") == (left, taken_out)


def test_settings():
    with pytest.raises(SettingsError, match="exact, pattern, similarity"):
        Masking((), "regex")
    with pytest.raises(SettingsError, match="word, sentence"):
        Masking((), unit="letter")
    with pytest.raises(SettingsError, match="0 to 1"):
        Masking((), similarity=float("nan"))
