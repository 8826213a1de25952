"""Long work that cannot be lost: a clip counts once it is on the disk and written down."""
