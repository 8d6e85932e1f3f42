"""From a picture to a mask: encoder, head, geometry, and the ways to run them."""
