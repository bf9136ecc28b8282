"""Models that the package does not know, from files of a team's own, beside those of the packaged catalog."""

from __future__ import annotations

import os.path
from typing import TYPE_CHECKING, Any

from routing.config.catalog import Vendor
from routing.config.document import read_document
from routing.config.kinds import OF_CATALOG, check_catalog
from routing.config.ledger import open_text
from routing.config.parsing import parse
from routing.config.problems import Problems
from routing.config.scalars import shown
from routing.config.schema_catalog import CatalogFile
from routing.core.deployment import FormulaTokens
from routing.core.picture import Size
from routing.core.request import Operation
from routing.core.suggest import did_you_mean
from routing.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from routing.config.catalog import Catalog, CatalogModel, Gone, Models
    from routing.config.document import Path as Place
    from routing.config.parsing import Parsed
    from routing.config.schema import RouterFile

FILES_AT_MOST = 20
NEEDED = ("operations", "sizes", "default_size", "n", "prompt_chars")
"""What a model must say, or be like another that says it."""
_SQUARE = Size(width=1024, height=1024)


class OwnCatalog:
    """The packaged catalog, and before it the vendors of a team's own files."""

    def __init__(self, packaged: Catalog) -> None:
        """Begin with the packaged one alone."""
        self._packaged = packaged
        self._own: list[Vendor] = []
        self._declared: set[str] = set()
        self._unread = False

    def add(self, vendor: Vendor, declared: Sequence[str]) -> None:
        """Add a vendor; ``declared`` are the models of its file, those too that cannot be read."""
        self._own.append(vendor)
        self._declared.update(declared)

    def leave_unread(self) -> None:
        """Note that a file is named of whose models nothing is known."""
        self._unread = True

    def find(self, name: str) -> CatalogModel | None:
        """Find a model by its name or one of its aliases."""
        own = next((model for vendor in self._own if (model := vendor.model(name))), None)
        return own or self._packaged.find(name)

    def replacement(self, name: str) -> CatalogModel | None:
        """Find the model that a retired name means today."""
        own = (vendor.model(each) for vendor in self._own for each in vendor.entries)
        return next((model for model in own if model and name in model.replaces), self._packaged.replacement(name))

    def gone(self, name: str) -> Gone | None:
        """Tell what became of a model that is not sold any more."""
        own = (gone for vendor in self._own for gone in vendor.gone if gone.name == name)
        return next(own, self._packaged.gone(name))

    def resolved(self, stem: str, name: str) -> dict[str, Any]:
        """Read an entry, filled up with what it is like."""
        own = self.own(stem, name)
        return self._packaged.resolved(stem, name) if own is None else own.resolved(name)

    def own(self, stem: str, name: str) -> Vendor | None:
        """Find who sells a model in the team's files; ``None`` where the package does, or nobody."""
        if self._packaged.has(stem, name):
            return None
        return next((vendor for vendor in self._own if vendor.name == stem and name in vendor.entries), None)

    def sold_by(self, stem: str) -> list[str]:
        """List the models of a vendor."""
        own = [name for vendor in self._own if vendor.name == stem for name in vendor.entries]
        return [*self._packaged.sold_by(stem), *own]

    def declares(self, name: str) -> bool:
        """Tell whether a file has such a model, be it one that cannot be read."""
        return name in self._declared

    def may_have(self, name: str) -> bool:
        """Tell whether such a model may stand in what cannot be read, which has been said."""
        return self._unread or name in self._declared

    def names(self) -> list[str]:
        """List every name that a deployment may give as its model."""
        own = (vendor.model(each) for vendor in self._own for each in vendor.entries)
        return [*self._packaged.names(), *(name for each in own if each for name in (each.model.name, *each.aliases))]


def read_catalogs(
    path: Path, router: Parsed[RouterFile], problems: Problems, packaged: Catalog
) -> tuple[Models, tuple[Path, ...], list[Problems]]:
    """Read the files that ``catalog`` names beside a ``router.yaml``, and note what is wrong with each.

    Returns the catalog to look models up in, the files, and the problems of each.
    """
    names = router.file.catalog
    if not names and router.whole("catalog"):
        return packaged, (), []
    if len(names) > FILES_AT_MOST:
        told = f"{len(names)} files are more than {FILES_AT_MOST}"
        problems.error(("catalog",), told, "put several models of a vendor into one file")
        names = names[:FILES_AT_MOST]
    catalog, files, found = OwnCatalog(packaged), [], []
    if not router.whole("catalog"):
        catalog.leave_unread()
    for at, name in enumerate(names):
        place = path.parent / name
        shown_as = os.path.join(os.path.dirname(path), name)  # noqa: PTH118, PTH120 - as the caller wrote it, for messages
        try:
            document = read_document(shown_as, open_text(place, shown_as))
            check_catalog(document)
        except ConfigError as error:
            message = f"the catalog {shown(name)} {error.problems[0].message}"
            hint = f"the path is relative to this file; a catalog has {', '.join(OF_CATALOG)}"
            problems.error(("catalog", at), message, hint)
            catalog.leave_unread()
            continue
        own = Problems(document)
        _File(parse(own, CatalogFile), own, catalog).read()
        files.append(place)
        found.append(own)
    return catalog, tuple(files), found


class _File:
    """One file, while it is read into a catalog."""

    def __init__(self, parsed: Parsed[CatalogFile], problems: Problems, catalog: OwnCatalog) -> None:
        self._parsed = parsed
        self._problems = problems
        self._catalog = catalog
        data = parsed.document.data
        self._data: dict[str, Any] = data if isinstance(data, dict) else {}
        # A half one is none: it was said what is wrong with it.
        self._entries: dict[str, Any] = {name: self._data["models"][name] for name in parsed.file.models}

    def read(self) -> None:
        declared = self._parsed.names("models")
        sound = all(map(self._parsed.whole, ("vendor", "kinds", "base_url", "gone")))
        for name in [name for name in self._entries if not self._is_new(name)]:
            del self._entries[name]
        data = {**self._data, "models": self._entries} if sound else {"vendor": "", "kinds": (), "models": {}}
        vendor = Vendor(data, self._catalog)
        self._catalog.add(vendor, declared)
        # All are read before any is left out: one that cannot be bought may be what another is like.
        whole = {name: vendor.model(name) for name in vendor.entries if self._is_whole(vendor, name)}
        for name in list(vendor.entries):
            found, path = whole.get(name), ("models", name)
            if found and self._makes_something(found, path):
                self._check(found, path)
            else:
                del self._entries[name]

    def _is_new(self, name: str) -> bool:
        """Note a name that the package, a file before this one, or another model of this one has already."""
        path: Place = ("models", name)
        entry = self._parsed.file.models[name]
        said = {(*path, "aliases", at): alias for at, alias in enumerate(entry.aliases)}
        said |= {(*path, "replaces", at): old for at, old in enumerate(entry.replaces)}
        here = [each for other, entry in self._parsed.file.models.items() for each in (other, *entry.aliases)]
        new = True
        for place, each in {path: name, **said}.items():
            known = self._catalog.find(each) or self._catalog.replacement(each)
            if known or self._catalog.declares(each) or (place != path and here.count(each) > (place[2] == "aliases")):
                whose = f", for {known.model.name}" if known and known.model.name != each else ""
                hint = "give yours another name, and write the vendor's as its `wire`"
                self._problems.error(place, f"the catalog has {each} already{whose}", hint, key=place == path)
                new = False
        return new

    def _is_whole(self, vendor: Vendor, name: str) -> bool:
        """Note what keeps a model from being read: it is like nothing, or does not say enough."""
        path: Place = ("models", name)
        if not self._leads_somewhere(vendor, name):
            return False
        entry = vendor.resolved(name)
        if "tokens" in entry and ("grid" in entry["tokens"]) is ("steps" in entry["tokens"]):
            self._problems.error((*path, "tokens"), "tokens are counted by a grid or by steps", "write one of the two")
            return False
        missing = [key for key in NEEDED if key not in entry]
        for key in missing:
            hint = f"a model says {', '.join(NEEDED)}, or what it is `like`"
            self._problems.error(path, f"`{key}` is missing", hint, key=True)
        return not missing

    def _leads_somewhere(self, vendor: Vendor, name: str) -> bool:
        """Follow what a model is like, from one to the next, to one of the package or one that says it all."""
        path: Place = ("models", name, "like")
        seen, here = [(vendor.name, name)], vendor.entries[name]
        while "like" in here:
            stem, _, other = here["like"].partition(":")
            if (stem, other) in seen:
                self._problems.error(path, f"{name} is like itself in the end", "name a model that says it all")
                return False
            known = self._catalog.sold_by(stem)
            if other not in known:
                # Of another model's `like`, or of a model that cannot be read, it is said there.
                if len(seen) == 1 and not self._catalog.may_have(other):
                    message = f"{stem} has no model {shown(other)}{did_you_mean(other, known)}"
                    self._problems.error(path, message, "write vendor:model, like openai:gpt-image-2")
                return False
            seen.append((stem, other))
            own = self._catalog.own(stem, other)
            here = own.entries[other] if own else {}
        return True

    # --- What does not go together --------------------------------------------------------------------------------

    def _makes_something(self, found: CatalogModel, path: Place) -> bool:
        try:
            found.model.sizes.nearest(_SQUARE)
        except ValueError as none:
            self._problems.error((*path, "sizes"), str(none), "widen them")
            return False
        return True

    def _check(self, found: CatalogModel, path: Place) -> None:
        self._check_words(found, path)
        model = found.model
        if not model.sizes.allows(model.default_size):
            message = f"{model.name} cannot make {model.default_size} by its own sizes"
            self._problems.error(
                (*path, "default_size"), message, f"nearest is {model.sizes.nearest(model.default_size)}"
            )
        for at, rate in enumerate(self._parsed.file.models[found.model.name].rates):
            tokens = [unit.value for unit in rate.by_tokens()]
            where: Place = (*path, "rates", at)
            if (rate.per_image is None) is not bool(tokens):
                told = "per_image and prices by tokens exclude each other" if tokens else "no price is given"
                self._problems.error(where, told, "add per_image, or text_in, image_in, image_out, ...")
            elif tokens and found.model.tokens is None:
                hint = "write per_image, or say under `tokens` how they are counted"
                self._problems.error((*where, tokens[0]), f"{found.model.name} is not billed by tokens", hint, key=True)

    def _check_words(self, found: CatalogModel, path: Place) -> None:
        model, rule = found.model, found.model.tokens
        if (model.default_quality is None) is not (not model.qualities) or (
            model.qualities and model.default_quality not in model.qualities
        ):
            has = f"qualities are {', '.join(model.qualities) or 'none'}"
            self._problems.error(
                (*path, "default_quality"), f"the default quality is {shown(model.default_quality)}", has
            )
        if (Operation.EDIT in model.operations) is not bool(model.references_at_most):
            told = "an edit needs references, and nothing else takes them"
            self._problems.error(
                (*path, "references"), told, "write operations: [generate, edit] and references: 1 or more"
            )
        if rule and isinstance(rule.output, FormulaTokens) and tuple(rule.output.grid) != model.qualities:
            hint = f"qualities are {', '.join(model.qualities) or 'none'}, in this order"
            self._problems.error((*path, "tokens"), "the grid has other qualities than the model", hint)
