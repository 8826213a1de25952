"""Long work that cannot be lost: what is finished is on the disk and written down before the next clip begins."""
