"""Merging as pure data: who becomes one token, the map, and the record of it."""
