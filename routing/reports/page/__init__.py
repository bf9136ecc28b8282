"""One page for people who pay: ``data`` is what it is filled with, ``render`` makes one self-contained file of it."""
