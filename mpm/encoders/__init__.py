"""Vision Transformers run block by block, with merges between the blocks."""
