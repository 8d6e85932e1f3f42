"""Models by name, and checkpoints in every format that is read."""
