"""A rule of a user's own, as docs/library.md has it, for a file that `--rules` reads."""

STRIPES = '''
import torch
import mpm

@mpm.rule("stripes", title="Stripes", source="an example")
def stripes(tokens, context, width: int = 2):
    """Join every `width` tokens that follow each other."""
    order = torch.arange(tokens.shape[1], device=tokens.device).expand(tokens.shape[:2])
    return mpm.MergeMap.from_groups(order // width)
'''
