"""Pictures, data sets and their labels."""
