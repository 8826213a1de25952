"""The only part of the pack that imports ComfyUI's own modules; everything else goes through it."""
