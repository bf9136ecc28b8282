"""How wide to write: as wide as the terminal, or as wide as it needs where nobody watches."""

from __future__ import annotations

import os
import shutil
import sys

import click

from routing.reports.sheet import UNLIMITED, Sheet


def screen_width() -> int:
    """Columns of the terminal; into a file or a pipe nothing needs to be folded, unless ``COLUMNS`` says so."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS"):
        return shutil.get_terminal_size().columns
    return UNLIMITED


def can_show(text: str) -> bool:
    """Tell whether the terminal's encoding has these characters."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def show(sheet: Sheet) -> None:
    """Print a table."""
    click.echo("\n".join(sheet.lines(screen_width())))
