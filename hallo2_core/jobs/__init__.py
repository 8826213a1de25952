"""Long work that cannot be lost: a clip counts once it is on disk and recorded in the journal."""
