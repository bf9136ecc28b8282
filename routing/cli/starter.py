"""The files that ``routing init`` writes and ``routing demo`` runs on, as they are shipped."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parents[1]
CHECKOUT = PACKAGE.parent
INSTALLED = PACKAGE / "starter"
"""A wheel carries the same files inside the package."""

SCHEMAS = PACKAGE / "config" / "schema"
SCHEMA_FOLDER = ".routing"
"""Where a user's copies of the JSON Schemas lie, which the first line of each YAML file names for editors."""


def starter_files() -> dict[str, bytes]:
    """Read the shipped files and the schemas that editors complete them by: relative name -> content.

    Raises:
        FileNotFoundError: where the installation is broken.

    """
    # Beside an installed package may lie anything; only a checkout has the project's own description there.
    top = CHECKOUT if (CHECKOUT / "pyproject.toml").is_file() else INSTALLED
    names = ["router.yaml", *sorted(f"policies/{path.name}" for path in (top / "policies").glob("*.yaml"))]
    shipped = {name: (top / name).read_bytes() for name in names}
    files = {
        name: content.replace(b"routing/config/schema", SCHEMA_FOLDER.encode(), 1) for name, content in shipped.items()
    }
    return files | {f"{SCHEMA_FOLDER}/{path.name}": path.read_bytes() for path in sorted(SCHEMAS.glob("*.json"))}
