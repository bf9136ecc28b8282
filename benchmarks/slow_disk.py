"""A disk that takes a millisecond longer over every wait for it, for the processes started from here on.

Made of a few lines of C that are loaded before the system's own library; only where there is a compiler.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """\
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

static int slowly(const char *name, int file) {
    const struct timespec wait = {0, 1000000};
    nanosleep(&wait, 0);
    return ((int (*)(int))dlsym(RTLD_NEXT, name))(file);
}

int fsync(int file) { return slowly("fsync", file); }
int fdatasync(int file) { return slowly("fdatasync", file); }
"""


def slow_down(folder: Path) -> str | None:
    """Add 1 ms to each fsync of processes that start later; where that cannot be done, say why.

    ``folder`` keeps what is compiled: other users must be able to read it, since PostgreSQL does not run as root.
    """
    compiler = shutil.which("cc")
    if compiler is None:
        return "no slower disk: there is no C compiler (cc) here"
    if sys.platform != "linux":
        return "no slower disk: this is made for Linux"
    folder.chmod(0o755)
    source, library = folder / "slow_disk.c", folder / "slow_disk.so"
    source.write_text(SOURCE, encoding="utf-8")
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"], check=True)
    os.environ["LD_PRELOAD"] = str(library)
    return None
