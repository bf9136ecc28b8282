"""``routing init``: the files to start from."""

from __future__ import annotations

from pathlib import Path

import click

from routing.cli.starter import SCHEMA_FOLDER, starter_files


@click.command
def init() -> None:
    """Write router.yaml and policies/ into this folder.

    Files that are there already are left alone. Only .routing/, which editors complete by, is brought up to date.
    """
    written = []
    for name, content in starter_files().items():
        path = Path(name)
        ours = path.parts[0] == SCHEMA_FOLDER
        if path.exists() and (not ours or path.read_bytes() == content):
            click.echo(f"kept     {name} (it was here before)")
            continue
        path.parent.mkdir(exist_ok=True)
        with path.open("wb" if ours else "xb") as file:
            file.write(content)
        written.append(name)
        click.echo(f"written  {name}")
    if written:
        click.echo('\nnext: `routing check` tries both files, `routing explain "a fox"` shows where a request would go')
    else:
        click.echo("\nnothing was written: every file was here before")
