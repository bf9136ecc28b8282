"""Versions of a policy: the file as it is, and as git has it."""

from __future__ import annotations

import os
import subprocess
from shutil import which
from typing import TYPE_CHECKING

import click

from routing.config.ledger import open_text
from routing.config.load import PolicyText, config_files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

GIT_AT_MOST_S = 30.0


def read_versions(config: Path, files: Sequence[Path], revision: str | None) -> tuple[PolicyText | None, PolicyText]:
    """Find which policy was and which is to be; ``None`` is the one that ``router.yaml`` names.

    Of two ``files`` the first was; one is to be instead of ``router.yaml``'s. With a git ``revision``, one file (or
    ``router.yaml``'s) was what git has of it.

    Raises:
        UsageError: for any other number of files, for a file and itself, and where git does not have it.
        ConfigError: for a file that cannot be read.

    """
    if len(files) > (2 if revision is None else 1):
        told = "name two policies: OLD and NEW" if revision is None else "with --against, name one policy or none"
        raise click.UsageError(told)
    own = next(iter(config_files(config)[1:]), None)
    if revision is not None:
        file = files[0] if files else own
        if file is None:
            raise click.UsageError(f"{config} names no policy: name the file")
        return _from_git(file, revision), _from_file(file)
    if not files:
        raise click.UsageError("name the edited policy, or compare router.yaml's with git: --against HEAD")
    if len(files) == 1 and own is not None and os.path.realpath(own) == os.path.realpath(files[0]):
        raise click.UsageError(f"{files[0]} is router.yaml's own policy: --against HEAD compares it with git's")
    old = _from_file(files[0]) if len(files) == 2 else None  # noqa: PLR2004 - two are OLD and NEW
    return old, _from_file(files[-1])


def _from_file(file: Path) -> PolicyText:
    return PolicyText(name=str(file), content=open_text(file, str(file)))


def _from_git(file: Path, revision: str) -> PolicyText:
    """Read a file as it was in a revision; git finds the repository from the file's own folder on."""
    git = which("git")
    if git is None:
        raise click.UsageError("--against reads from git, which is not installed: name the old policy as a file")
    if revision.startswith("-"):
        raise click.UsageError(f"{revision!r} is no revision: write HEAD, a branch, a tag or a commit")
    # No shell, and nothing that git could take for an option of its own.
    command = [git, "-C", str(file.parent), "cat-file", "blob", f"{revision}:./{file.name}"]
    try:
        shown = subprocess.run(command, capture_output=True, check=False, timeout=GIT_AT_MOST_S)  # noqa: S603 - see above
    except (OSError, subprocess.TimeoutExpired) as error:
        raise click.UsageError(f"git cannot be asked: {error}") from error
    if shown.returncode:
        said = shown.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
        raise click.UsageError(f"git has no {file} in {revision}: {said}")
    return PolicyText(name=f"{revision}:{file}", content=shown.stdout)
