"""Where bought pictures are kept, so that the same request costs nothing again."""
