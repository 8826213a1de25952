"""The denoising UNet as a host MODEL, so that the host's own nodes act on its steps."""
