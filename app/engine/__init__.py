"""The models in memory, and everything that runs them."""
