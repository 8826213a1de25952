"""Prompts at times: `0-4.5 smiling; 4.5- serious, slow nod`, encoded for each frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Protocol

import torch
from torch import Tensor

from ..errors import TimelineError
from .masking import Masked, Masking, mask_text
from .spans import Span, TextPart, check_order, gaps, parse_times, split_items, without_a_frame
from .transitions import Transition, acting_spans

TEXT_WIDTH = 768  # of CLIP ViT-L/14, the text encoder of SD 1.x


class TextEncoder(Protocol):
    """Turns prompts into vectors: CLIP, or the demo model's own encoder."""

    fingerprint: str
    is_demo: bool

    def embed(self, texts: Sequence[str]) -> Tensor:
        """(n d) float32 on the CPU: the last hidden state, after the final layer norm, at each text's end.

        Errors: TimelineError for a text that is longer than the encoder reads.
        """
        ...


@dataclass(frozen=True)
class TextWindow:
    """The prompts of consecutive frames."""

    embeddings: Tensor  # (f d) float32: the blended embedding at each frame; zeros where no prompt acts
    presence: Tensor  # (f) float32, 0..1: total weight of the prompts; exactly 0 where none acts


@dataclass(frozen=True, eq=False)
class TextPrompts:
    """Encoded prompts over the time of a video; what travels on a HALLO2_TEXT wire."""

    spans: tuple[Span[str], ...]
    transition: Transition
    embeddings: Tensor  # (s d) float32 on the CPU: one row for each span
    encoder: str  # fingerprint of the text encoder
    notes: tuple[str, ...] = field(default=(), compare=False)  # sentences that the node shows

    def __str__(self) -> str:
        return prompts_text(self.spans)

    @property
    def report(self) -> str:
        """What the node shows."""
        return "\n".join([str(self) or "No prompt acts.", *self.notes])

    def check(self, fps: Fraction) -> None:
        """Before the long work starts: no span overlaps the next. Errors: TimelineError."""
        check_order(self.spans, fps)

    def without_a_frame(self, frames: int, fps: Fraction) -> tuple[str, ...]:
        """Notes on prompts beyond the end of this video."""
        return without_a_frame(self.spans, frames, fps)

    def window(self, first_frame: int, frames: int, fps: Fraction) -> TextWindow | None:
        """The prompts of these frames; None where no prompt acts on any of them."""
        acting = acting_spans(self.spans, self.transition, first_frame, frames, fps)
        if not acting:
            return None
        # One span after another, in double precision: a frame's embedding does not depend on how the video is cut.
        total = torch.zeros(frames, self.embeddings.shape[1], dtype=torch.float64)
        presence = torch.zeros(frames, 1, dtype=torch.float64)
        for index, weights in acting.items():
            weight = torch.tensor([[float(one)] for one in weights], dtype=torch.float64)
            total += weight * self.embeddings[index]
            presence += weight
        blended = torch.where(presence > 0, total / presence, 0.0)
        return TextWindow(blended.float(), presence.squeeze(1).float().clamp(max=1))


def encode_prompts(
    text: str, encoder: TextEncoder, transition: Transition, masking: Masking | None = None
) -> TextPrompts:
    """Parse and encode a timeline for the sampler. Errors: TimelineError."""
    notes, spans = [], []
    for span in parse_prompts(text):
        masked = Masked(span.content, ()) if masking is None else mask_text(span.content, masking, encoder.embed)
        if masked.taken_out:
            notes.append(f"Taken out of {span.times}: {', '.join(masked.taken_out)}.")
        if masked.text:
            spans.append(replace(span, content=masked.text))
        else:
            notes.append(f"Nothing is left of the prompt at {span.times}: it does not act.")
    if encoder.is_demo:
        notes.append("Encoded by the demo's text encoder, which knows a few words of mood and fits its adapter only.")
    return TextPrompts(
        spans=tuple(spans),
        transition=transition,
        embeddings=_embeddings([span.content for span in spans], encoder),
        encoder=encoder.fingerprint,
        notes=(*notes, *(f"No prompt acts in {gap}." for gap in gaps(spans))),
    )


def parse_prompts(text: str) -> tuple[Span[str], ...]:
    """The spans of a prompt timeline; none for an empty text. Errors: TimelineError."""
    spans = tuple(_parse_item(item) for item in split_items(text, escapes=True))
    check_order(spans)
    return spans


def prompts_text(spans: Sequence[Span[str]]) -> str:
    """The normal form, which parses to the same spans."""
    return "; ".join(f"{span.times} {_escaped(span.content)}" for span in spans)


def _embeddings(texts: Sequence[str], encoder: TextEncoder) -> Tensor:
    """(s d) float32 on the CPU. A repeated text is encoded once."""
    if not texts:
        return torch.zeros(0, TEXT_WIDTH)
    rows = {text: row for row, text in enumerate(dict.fromkeys(texts))}
    embedded = encoder.embed(list(rows)).to("cpu", torch.float32)
    if not embedded.isfinite().all():
        raise TimelineError("The text encoder returned NaN or infinite values. Load it in another dtype.")
    return embedded[[rows[text] for text in texts]]


def _parse_item(item: TextPart) -> Span[str]:
    times, text = item.first_word()
    start, end = parse_times(times)
    if not text.text:
        raise item.error("has no text. Write a prompt after the times, for example 0-4.5 smiling.")
    return Span(start, end, _unescaped(text.text), times.position)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(";", "\\;")


def _unescaped(text: str) -> str:
    """A backslash before anything else stands for itself."""
    return "\\".join(part.replace("\\;", ";") for part in text.split("\\\\"))
