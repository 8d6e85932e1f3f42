"""From an encoder's tokens to scores of classes.

A head is any module that takes patch tokens, (B, N, C) -> (B, N, classes); one that looks at patches side by
side is a `GridHead`, and gives scores with a stride of its own.
"""

from mpm.segmenters.heads.token_heads import BatchNormLinear, LinearDecoder, MaskTransformer

__all__ = ["BatchNormLinear", "LinearDecoder", "MaskTransformer"]
