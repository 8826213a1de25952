from fractions import Fraction

import pytest
import torch
from seeded_models import SeededTextEncoder

from hallo2_core.errors import TimelineError
from hallo2_core.timeline.masking import Masking
from hallo2_core.timeline.prompts import TEXT_WIDTH, encode_prompts, parse_prompts
from hallo2_core.timeline.transitions import Transition, span_weights

FPS = Fraction(25)


class Counting:
    """A TextEncoder that numbers its texts."""

    fingerprint, is_demo = "counting", False

    def __init__(self):
        self.asked = []

    def embed(self, texts):
        self.asked.append(list(texts))
        return torch.stack([torch.full((4,), float(i + 1)) for i in range(len(texts))])


def encoded(text, seconds=0.0, shape="linear", masking=None):
    return encode_prompts(text, SeededTextEncoder(), Transition(seconds, shape), masking)


def test_a_row_for_each_span_and_each_text_encoded_once():
    encoder = Counting()
    prompts = encode_prompts("0-1 a; 1-2 b; 2-3 a; 4- c", encoder, Transition())
    assert encoder.asked == [["a", "b", "c"]]
    assert prompts.embeddings[:, 0].tolist() == [1, 2, 1, 3] and prompts.embeddings.dtype == torch.float32
    assert prompts.encoder == "counting"
    assert prompts.notes == ("No prompt acts in 3-4.",)
    assert prompts.report == "0-1 a; 1-2 b; 2-3 a; 4- c\nNo prompt acts in 3-4."


def test_no_prompt_at_all():
    prompts = encoded(" ; ")
    assert prompts.embeddings.shape == (0, TEXT_WIDTH) and prompts.window(0, 16, FPS) is None
    prompts.check(FPS)
    assert prompts.report.startswith("No prompt acts.")


def test_the_demos_encoder_is_named():
    class Demo(Counting):
        is_demo = True

    assert "demo's text encoder" in encode_prompts("0- a", Demo(), Transition()).notes[0]
    assert encoded("0- a").notes == ()


def test_inside_a_span_its_own_embedding_and_outside_exact_zeros():
    prompts = encoded("1-2 a; 3- b", seconds=0.4, shape="smooth")
    window = prompts.window(0, 100, FPS)
    assert torch.equal(window.embeddings[30:45], prompts.embeddings[0].expand(15, -1))
    assert torch.equal(window.embeddings[80:], prompts.embeddings[1].expand(20, -1))
    assert (window.presence[30:46] == 1).all() and (window.presence[80:] == 1).all()
    for nothing in (slice(0, 21), slice(55, 71)):
        assert (window.presence[nothing] == 0).all() and (window.embeddings[nothing] == 0).all()
    assert window.presence[21:30].gt(0).all() and window.presence[21:30].lt(1).all()
    assert torch.equal(window.embeddings[23], prompts.embeddings[0])  # on its way in it is itself, and only in part
    assert prompts.window(0, 21, FPS) is None and prompts.window(55, 16, FPS) is None


def test_neighbours_cross_fade_by_their_weights():
    prompts = encoded("0-1 a; 1- b", seconds=1.0)
    window = prompts.window(5, 40, FPS)
    weights = span_weights(prompts.spans, prompts.transition, 5, 40, FPS)
    assert torch.allclose(window.embeddings.double(), weights @ prompts.embeddings.double(), atol=1e-6)
    assert (window.presence == 1).all()
    one_frame = prompts.window(25, 1, FPS)
    assert torch.allclose(one_frame.embeddings[0], prompts.embeddings.mean(dim=0))


@pytest.mark.parametrize("shape", ["linear", "smooth"])
def test_in_pieces_equals_in_one_go(shape):
    prompts = encoded("0.3-1 a; 1-1.2 b c; 1.2-1.3 d; 2f-2.1 e".replace("2f-2.1", "1.9-2.1"), seconds=1.7, shape=shape)
    whole = prompts.window(0, 90, FPS)
    for size in (1, 7, 16):
        at = 0
        while at < 90:
            count = min(size, 90 - at)
            part = prompts.window(at, count, FPS)
            expected = whole.embeddings[at : at + count], whole.presence[at : at + count]
            if part is None:
                assert not expected[1].any()
            else:
                assert torch.equal(part.embeddings, expected[0]) and torch.equal(part.presence, expected[1])
            at += count


def test_check_looks_at_the_video():
    prompts = encoded("0-30f a; 1- b")
    with pytest.raises(TimelineError, match="'1-' begins before 0-30f has ended at 25"):
        prompts.check(FPS)
    encoded("0-25f a; 1- b").check(FPS)
    assert not encoded("0-25f a; 1- b").without_a_frame(26, FPS)
    assert len(encoded("0-25f a; 1- b").without_a_frame(25, FPS)) == 1


def test_what_masking_leaves_is_encoded_and_said():
    prompts = encoded("0-1 a bad smile; 1-2 bad; 2- good", masking=Masking(("bad",)))
    assert str(prompts) == "0-1 a smile; 2- good" and prompts.embeddings.shape[0] == 2
    assert prompts.notes[:3] == (
        "Taken out of 0-1: bad.",
        "Taken out of 1-2: bad.",
        "Nothing is left of the prompt at 1-2: it does not act.",
    )
    assert prompts.notes[-1] == "No prompt acts in 1-2."
    assert torch.equal(prompts.embeddings[0], SeededTextEncoder().embed(["a smile"])[0])


def test_an_encoder_that_overflows_is_refused():
    class Broken(Counting):
        def embed(self, texts):
            return super().embed(texts) * float("nan")

    with pytest.raises(TimelineError, match="NaN or infinite"):
        encode_prompts("0- a", Broken(), Transition())


def test_escapes():
    (span,) = parse_prompts("0- a\\; b \\\\ \\(c")
    assert span.content == "a; b \\ \\(c"
