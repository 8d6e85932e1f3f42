"""The encoder of the tests' tiny segmenter."""

TINY_VIT = {"img_size": [32, 48], "patch_size": 8, "embed_dim": 24, "depth": 4, "num_heads": 2}
