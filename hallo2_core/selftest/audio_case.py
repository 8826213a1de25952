"""Golden cases of the kind `audio`: waveforms, cut as in the release → wav2vec2 → five-frame windows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor

from ..animation.motion_settings import ClipConfig
from ..audio.sound_statistics import Loudness
from ..audio.speech_embeddings import SpeechEmbeddings, SpeechWindows, encode_speech
from ..audio.speech_pieces import RELEASED, Piece, SpeechPieces
from ..audio.speech_signal import SPEECH_RATE_HZ
from ..audio.waveform import TensorAudio
from ..checkpoints.seeded import seeded_state_dict
from ..checkpoints.speech_encoder import assemble_speech_encoder, own_name
from ..config import RELEASED_FPS, Wav2VecConfig
from ..models.wav2vec import SpeechEncoder, spread_positions
from .case import Case, Comparison, Settings, Verdict
from .limits import limit_for

SAMPLES_PER_FRAME = SPEECH_RATE_HZ // RELEASED_FPS
HIDDEN_STATES = "forward_hidden_states_seq"  # the number of frames follows
PREFIX = "wav2vec."


def run_audio(case: Case, settings: Settings) -> list[Verdict]:
    """The segments are the pieces of one sound, processed like any other sound."""
    encoder = case_encoder(case, settings)
    segments = case.metadata["segments"]
    waves = [case.tensors[f"wave_int16/{number}"] for number in range(len(segments))]
    limit = limit_for("audio", settings.dtype)
    comparison = Comparison(case.name)

    reported = [_speech(wave, encoder).frames for wave in waves]
    comparison.check("frames_reported", torch.tensor(reported), _values(segments, "frames_reported"), 0)
    if "audio_length" in case.metadata:
        length = torch.tensor(case.metadata["audio_length"])
        comparison.check("audio_length", torch.tensor(sum(reported)), length, 0)

    speech = replace(_speech(torch.cat(waves), encoder), frames=sum(reported))
    speech = replace(speech, pieces=case_pieces(segments, speech))
    windows = SpeechWindows(speech, ClipConfig().frames, settings.runtime)
    heard = windows.clip(0, windows.frames)
    comparison.check("windows_all", heard, case.tensors["windows_all"], limit)
    centres = heard[:, heard.shape[1] // 2].split(_values(segments, "frames_embedded").tolist())
    for number, embedding in enumerate(centres):
        comparison.check(f"embedding/{number}", embedding, case.tensors[f"embedding/{number}"], limit)

    last = _speech(waves[-1], encoder).signal.read(0, len(waves[-1]))
    values = Loudness.of(last).normalize(last)
    if "forward_input_values" in case.tensors:
        comparison.check("forward_input_values", values, case.tensors["forward_input_values"], limit)
    for name in case.tensors:
        if name.startswith(HIDDEN_STATES):
            frames = int(name.removeprefix(HIDDEN_STATES))
            with torch.no_grad():
                states = encoder.hidden_states(values, spread_positions(encoder.features_of(len(values)), frames))
            comparison.check(name, states, case.tensors[name], limit)
    return [comparison.verdict()]


def case_encoder(case: Case, settings: Settings) -> SpeechEncoder:
    """Built from the case's configuration and loaded like a file."""
    shapes = {PREFIX + key: shape for key, shape in case.beside("manifest_wav2vec.json").items()}
    drawn = {key.removeprefix(PREFIX): x for key, x in seeded_state_dict(shapes, case.salt).items()}
    named = {own_name(key): tensor.to(settings.dtype) for key, tensor in drawn.items() if own_name(key)}
    config = wav2vec_config(case.beside("config.json")["wav2vec"])
    return settings.ready(assemble_speech_encoder(config, named, "the case's wav2vec2"))


def wav2vec_config(raw: dict[str, Any]) -> Wav2VecConfig:
    """From transformers' names for the same dimensions."""
    return Wav2VecConfig(
        width=raw["hidden_size"],
        layers=raw["num_hidden_layers"],
        heads=raw["num_attention_heads"],
        feed_forward_width=raw["intermediate_size"],
        conv_widths=tuple(raw["conv_dim"]),
        conv_kernels=tuple(raw["conv_kernel"]),
        conv_strides=tuple(raw["conv_stride"]),
        position_kernel=raw["num_conv_pos_embeddings"],
        position_groups=raw["num_conv_pos_embedding_groups"],
    )


@dataclass(frozen=True)
class ListedPieces(SpeechPieces):
    """Explicit cuts: segments of uneven lengths, with the release's padding (quirk 20)."""

    listed: tuple[Piece, ...] = ()

    def plan(
        self, samples: int, frames: int, clip_frames: int, fps: Fraction, encoder: Wav2VecConfig
    ) -> tuple[Piece, ...]:
        return self.listed


def case_pieces(segments: list[dict[str, int]], speech: SpeechEmbeddings) -> SpeechPieces:
    """The release's cuts at the length of the first segment if they match the case's segments, else the case's list."""
    listed = tuple(_listed(segments))
    cuts = replace(RELEASED, piece_seconds=segments[0]["samples"] / SPEECH_RATE_HZ)
    plan = cuts.plan(speech.signal.samples, speech.frames, ClipConfig().frames, speech.fps, speech.encoder.config)
    return cuts if plan == listed else ListedPieces(**vars(cuts), listed=listed)


def _listed(segments: list[dict[str, int]]) -> list[Piece]:
    pieces, frame, sample = [], 0, 0
    for segment in segments:
        frames, samples = segment["frames_embedded"], segment["samples"]
        zeros = (frames - segment["frames_reported"]) * SAMPLES_PER_FRAME
        pieces.append(Piece(frame, frames, sample, sample + samples, zeros, encoded_frames=frames))
        frame, sample = frame + frames, sample + samples
    return pieces


def _speech(wave: Tensor, encoder: SpeechEncoder) -> SpeechEmbeddings:
    """wave: (t), 16-bit at 16 kHz."""
    return encode_speech(TensorAudio(wave.unsqueeze(0), SPEECH_RATE_HZ), encoder, RELEASED_FPS, RELEASED)


def _values(segments: list[dict[str, int]], name: str) -> Tensor:
    return torch.tensor([segment[name] for segment in segments])
