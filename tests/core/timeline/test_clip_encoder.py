import json

import pytest
import torch

from hallo2_core.errors import CheckpointError, TimelineError
from hallo2_core.timeline.clip_encoder import load_clip_encoder

transformers = pytest.importorskip("transformers")
LETTERS = "abcdefghijklmnopqrstuvwxyz,.()\\:0123456789"


def save_tokenizer(folder):
    """CLIP's, with letters for words."""
    folder.mkdir(parents=True, exist_ok=True)
    words = [*LETTERS, *(f"{letter}</w>" for letter in LETTERS), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "CLIPTokenizer", "model_max_length": 77})
    )
    return len(words)


def save_model(folder, vocabulary, eos_token_id):
    torch.manual_seed(3)
    config = transformers.CLIPTextConfig(
        vocab_size=vocabulary, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=77, eos_token_id=eos_token_id, bos_token_id=0, pad_token_id=1,
    )  # fmt: skip
    model = transformers.CLIPTextModel(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    return model


@pytest.fixture
def saved(tmp_path):
    vocabulary = save_tokenizer(tmp_path)
    return tmp_path, save_model(tmp_path, vocabulary, eos_token_id=vocabulary - 1)


def test_the_embedding_is_the_normed_last_state_at_the_end_of_the_text(saved):
    folder, model = saved
    tokens = transformers.CLIPTokenizer.from_pretrained(folder)(["a nod, slow", "nod"])["input_ids"]
    embedded = load_clip_encoder(folder).embed(["a nod, slow", "nod"])
    assert embedded.shape == (2, 32) and embedded.dtype == torch.float32 and not embedded.requires_grad
    for row, text_tokens in zip(embedded, tokens, strict=True):
        with torch.no_grad():
            output = model(input_ids=torch.tensor([text_tokens]))
        assert torch.allclose(row, output.last_hidden_state[0, -1], atol=1e-6)
        assert torch.allclose(row, output.pooler_output[0], atol=1e-6)  # the same thing, where the config is right


def test_an_old_config_that_names_a_wrong_end_makes_no_difference(tmp_path):
    vocabulary = save_tokenizer(tmp_path)
    model = save_model(tmp_path, vocabulary, eos_token_id=1)
    embedded = load_clip_encoder(tmp_path).embed(["b a"])
    tokens = transformers.CLIPTokenizer.from_pretrained(tmp_path)("b a")["input_ids"]
    with torch.no_grad():
        output = model(input_ids=torch.tensor([tokens]))
    assert torch.allclose(embedded[0], output.last_hidden_state[0, len(tokens) - 1], atol=1e-6)
    assert not torch.allclose(embedded[0], output.pooler_output[0], atol=1e-3)


def test_a_text_does_not_depend_on_its_neighbours(saved):
    encoder = load_clip_encoder(saved[0])
    together = encoder.embed(["a", "a longer one, with more words"])
    assert torch.equal(together[0], encoder.embed(["a"])[0])


def test_brackets_are_letters(saved):
    encoder = load_clip_encoder(saved[0])
    plain, weighted = encoder.embed(["a b", "(a:1.3) b"])
    assert not torch.allclose(plain, weighted, atol=1e-3)


def test_too_long(saved):
    encoder = load_clip_encoder(saved[0])
    encoder.embed(["a " * 75])
    with pytest.raises(TimelineError, match="'a a a .* has 76 tokens; CLIP reads 75"):
        encoder.embed(["a " * 76])


def test_the_fingerprint_follows_the_weights(saved, tmp_path):
    folder, model = saved
    first = load_clip_encoder(folder)
    assert load_clip_encoder(folder).fingerprint == first.fingerprint and not first.is_demo
    with torch.no_grad():
        next(model.parameters()).mul_(2)
    model.save_pretrained(folder)
    assert load_clip_encoder(folder).fingerprint != first.fingerprint


def test_half_precision_files_are_computed_in_full(saved):
    folder, model = saved
    model.half().save_pretrained(folder)
    assert load_clip_encoder(folder).embed(["a"]).dtype == torch.float32


def test_the_folders_of_a_diffusers_model(tmp_path):
    vocabulary = save_tokenizer(tmp_path / "tokenizer")
    save_model(tmp_path / "text_encoder", vocabulary, vocabulary - 1)
    assert load_clip_encoder(tmp_path).embed(["a"]).shape == (1, 32)
    (tmp_path / "tokenizer" / "merges.txt").unlink()
    with pytest.raises(CheckpointError, match="it lacks tokenizer/merges.txt. Download openai/clip-vit-large-patch14"):
        load_clip_encoder(tmp_path)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(CheckpointError, match="There is no folder .*nowhere"):
        load_clip_encoder(tmp_path / "nowhere")
    with pytest.raises(CheckpointError, match="lacks config.json, model.safetensors, vocab.json, merges.txt"):
        load_clip_encoder(tmp_path)


def test_a_pickle_is_not_taken(saved):
    folder, model = saved
    (folder / "model.safetensors").unlink()
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="lacks model.safetensors"):
        load_clip_encoder(folder)


def test_another_model_is_not_filled_with_random_numbers(saved):
    from safetensors.torch import load_file, save_file

    path = saved[0] / "model.safetensors"
    tensors = load_file(path)
    left_out = next(key for key in tensors if key.endswith("layers.1.mlp.fc1.weight"))
    save_file({key: tensor for key, tensor in tensors.items() if key != left_out}, path, {"format": "pt"})
    with pytest.raises(CheckpointError, match="lacks 1 tensors of CLIP's text encoder, such as '.*layers.1.mlp.fc1"):
        load_clip_encoder(saved[0])


def test_a_damaged_file_is_refused(saved):
    path = saved[0] / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_clip_encoder(saved[0])
