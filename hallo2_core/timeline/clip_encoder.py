"""CLIP's text encoder from a local folder, through transformers, for the command line. Nothing is ever downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..errors import CheckpointError, TimelineError
from ..models.fingerprint import weights_fingerprint

if TYPE_CHECKING:
    from transformers import CLIPTextModel, CLIPTokenizer

MOST_TOKENS = 77  # a start, an end, and 75 of the text
WHERE_FROM = (
    "Download openai/clip-vit-large-patch14, or the folders text_encoder and tokenizer of any SD 1.x model, as "
    "safetensors."
)


class ClipTextEncoder:
    """`TextEncoder` over transformers' CLIP, on the CPU: a video has a handful of prompts."""

    is_demo = False

    def __init__(self, model: CLIPTextModel, tokenizer: CLIPTokenizer) -> None:
        self._model, self._tokenizer = model.eval().requires_grad_(False).float(), tokenizer
        self.fingerprint = weights_fingerprint({"clip.": model})

    def embed(self, texts: Sequence[str]) -> Tensor:
        """One text at a time and without padding, so that an embedding does not depend on other texts."""
        return torch.stack([self._embed(text) for text in texts])

    def _embed(self, text: str) -> Tensor:
        """(d). Not the model's own pooled output, which looks for the end token named in the file's config: many files
        name the wrong one."""
        tokens = self._tokenizer(text)["input_ids"]
        if len(tokens) > MOST_TOKENS:
            raise too_long(text, len(tokens) - 2)
        hidden = self._model(input_ids=torch.tensor([tokens])).last_hidden_state
        return hidden[0, tokens.index(self._tokenizer.eos_token_id)]


def too_long(text: str, tokens: int) -> TimelineError:
    """tokens: without start and end."""
    return TimelineError(
        f"The prompt '{text[:40]}…' has {tokens} tokens; CLIP reads {MOST_TOKENS - 2}. Make it shorter, or spread it "
        f"over several spans."
    )


def load_clip_encoder(folder: Path | str) -> ClipTextEncoder:
    """From a folder with model and tokenizer, or with one subfolder each, as in diffusers.

    Errors: CheckpointError that says what is missing.
    """
    folder = Path(folder)
    model_folder, tokenizer_folder = folder, folder
    if (folder / "text_encoder").is_dir():
        model_folder, tokenizer_folder = folder / "text_encoder", folder / "tokenizer"
    _check_files(folder, model_folder, tokenizer_folder)

    from transformers import CLIPTextModel, CLIPTokenizer  # takes seconds to import

    try:
        model, loaded = CLIPTextModel.from_pretrained(
            str(model_folder), local_files_only=True, use_safetensors=True, output_loading_info=True
        )
        tokenizer = CLIPTokenizer.from_pretrained(str(tokenizer_folder), local_files_only=True)
    except Exception as error:  # a damaged file can fail anywhere in their parsers
        raise CheckpointError(
            f"The text encoder in {folder} cannot be read ({type(error).__name__}: {error}). {WHERE_FROM}"
        ) from error
    if lacking := sorted(loaded["missing_keys"]):  # transformers would fill them with random numbers
        raise CheckpointError(
            f"{model_folder / 'model.safetensors'} lacks {len(lacking)} tensors of CLIP's text encoder, such as "
            f"'{lacking[0]}', so it is another model. {WHERE_FROM}"
        )
    return ClipTextEncoder(model, tokenizer)


def _check_files(folder: Path, model_folder: Path, tokenizer_folder: Path) -> None:
    if not folder.is_dir():
        raise CheckpointError(f"There is no folder {folder}. {WHERE_FROM}")
    lacking = [model_folder / name for name in ("config.json", "model.safetensors")]
    lacking = [path for path in lacking if not path.is_file()]
    tokenizer_files = [tokenizer_folder / name for name in ("vocab.json", "merges.txt")]
    if not (tokenizer_folder / "tokenizer.json").is_file():
        lacking += [path for path in tokenizer_files if not path.is_file()]
    if lacking:
        names = ", ".join(path.relative_to(folder).as_posix() for path in lacking)
        raise CheckpointError(f"The folder {folder} holds no text encoder: it lacks {names}. {WHERE_FROM}")
