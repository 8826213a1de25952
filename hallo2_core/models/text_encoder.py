"""The small model's text encoder: a prompt's words, from their letters, through a small transformer, to one vector.

A word is the mean of vectors of its pieces: itself and its runs of 3 to 5 letters, so that "smiles" and "smiling" are
similar and no word is unknown. Pieces share a table by hash.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from zlib import crc32

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from ..config import SmallTextConfig
from .layers import Build

RUNS = (3, 4, 5)  # letters of a piece, with < and > for the word's ends
_WORD = re.compile(r"\w+(?:['’]\w+)*")
Pieces = tuple[tuple[int, ...], ...]  # per word, the rows of the table


def pieces_of(text: str, buckets: int) -> Pieces:
    """At least one word: a text without any is one itself."""
    folded = text.casefold()
    return tuple(_pieces(word, buckets) for word in _WORD.findall(folded) or [folded])


@lru_cache(maxsize=4096)
def _pieces(word: str, buckets: int) -> tuple[int, ...]:
    marked = f"<{word}>"
    runs = [marked[i : i + run] for run in RUNS for i in range(len(marked) - run + 1)]
    return tuple(crc32(piece.encode("utf-8", "surrogatepass")) % buckets for piece in [marked, *runs])


class TextBlock(nn.Module):
    """Self-attention and a feed-forward layer, both after a norm."""

    def __init__(self, config: SmallTextConfig, build: Build) -> None:
        super().__init__()
        width, inner = config.width, config.feed_forward_width
        self.heads = config.heads
        self.norm1, self.norm2 = build.layer_norm(width), build.layer_norm(width)
        self.to_qkv = build.linear(width, 3 * width)
        self.to_out = build.linear(width, width)
        self.linear_1, self.linear_2 = build.linear(width, inner), build.linear(inner, width)

    def forward(self, x: Tensor, is_word: Tensor) -> Tensor:
        """x: (n l c).  is_word: (n l), False where a text has ended."""
        q, k, v = rearrange(self.to_qkv(self.norm1(x)), "n l (three h c) -> three n h l c", three=3, h=self.heads)
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=rearrange(is_word, "n l -> n 1 1 l"))
        x = x + self.to_out(rearrange(attended, "n h l c -> n l (h c)"))
        return x + self.linear_2(F.gelu(self.linear_1(self.norm2(x))))


class TextTransformer(nn.Module):
    def __init__(self, config: SmallTextConfig, build: Build) -> None:
        super().__init__()
        self.config = config
        pieces, positions = (_table(rows, config.width, build) for rows in (config.buckets, config.most_words))
        self.pieces = nn.EmbeddingBag.from_pretrained(pieces, freeze=False, mode="mean")
        self.positions = nn.Embedding.from_pretrained(positions, freeze=False)
        self.blocks = nn.ModuleList(TextBlock(config, build) for _ in range(config.layers))
        self.norm = build.layer_norm(config.width)
        self.relevance = build.linear(config.width, 1)
        self.out = build.linear(config.width, config.text_width)

    def forward(self, texts: Sequence[Pieces]) -> Tensor:
        """texts: each of at most `most_words` words.  Returns (n d), each row with mean 0 and variance 1."""
        device = self.pieces.weight.device
        words = [torch.tensor(word, device=device) for text in texts for word in text]
        starts = torch.tensor([0, *map(len, words[:-1])], device=device).cumsum(0)
        lengths = [len(text) for text in texts]
        x = pad_sequence(list(self.pieces(torch.cat(words), starts).split(lengths)), batch_first=True)
        is_word = torch.arange(x.shape[1], device=device) < torch.tensor(lengths, device=device).unsqueeze(1)
        x = x + self.positions.weight[: x.shape[1]]
        for block in self.blocks:
            x = block(x, is_word)
        x = self.norm(x)
        relevance = self.relevance(x).masked_fill(~is_word.unsqueeze(-1), -torch.inf).softmax(dim=1)
        return F.layer_norm(self.out((relevance * x).sum(dim=1)), (self.config.text_width,))


def _table(rows: int, width: int, build: Build) -> Tensor:
    """Initial vectors. None are drawn on the meta device: there, torch would import its compiler for it, a second."""
    table = torch.empty(rows, width, dtype=build.dtype, device=build.device)
    return table if table.is_meta else nn.init.normal_(table)
