"""Downloads of the known weights. Runs only when the user asks for it: never at import, never from a loader."""
