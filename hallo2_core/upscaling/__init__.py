"""Any video, sharper and larger: faces restored in windows of frames, the rest resampled. Bounded memory."""
