"""``python -m routing`` is the same as ``routing``."""

from routing.cli import main

if __name__ == "__main__":
    main()
