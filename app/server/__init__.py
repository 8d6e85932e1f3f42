"""Starting, serving, uploads, limits, health and the log."""
