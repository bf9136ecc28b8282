"""The command line: ``routing``. Its words are the library's words; every command is one file."""

from __future__ import annotations

from routing.cli.app import app


def main() -> None:
    """Run the command line and end the process with its exit code."""
    app()
