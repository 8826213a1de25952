"""The pack's own wire types, one per payload. Payloads are immutable: the host caches and shares them."""

from inspect import signature

from comfy_api.latest import io

Model = io.Custom("HALLO2_MODEL")  # Managed[Hallo2Models]
SpeechEncoder = io.Custom("HALLO2_SPEECH_ENCODER")  # Managed[SpeechEncoder]
FaceAnalysis = io.Custom("HALLO2_FACE_ANALYSIS")
Upscaler = io.Custom("HALLO2_UPSCALER")  # Managed[Upscaler]
Speech = io.Custom("HALLO2_SPEECH")  # Managed[SpeechEmbeddings]
Portrait = io.Custom("HALLO2_PORTRAIT")  # Portrait
Reference = io.Custom("HALLO2_REFERENCE")  # Reference
Motion = io.Custom("HALLO2_MOTION")  # MotionSettings
Acceleration = io.Custom("HALLO2_ACCELERATION")  # Acceleration
Text = io.Custom("HALLO2_TEXT")  # TextPrompts
Weights = io.Custom("HALLO2_WEIGHTS")  # WeightTimeline

# For rarely used inputs: newer hosts fold them away, the older one lacks the parameter.
ADVANCED = {"advanced": True} if "advanced" in signature(io.Int.Input).parameters else {}
