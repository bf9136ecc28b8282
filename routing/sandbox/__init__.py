"""A strict vendor on loopback: it speaks the vendors' wire protocols, refuses what they refuse, and keeps its own bill.

It shares no arithmetic with the router, so that its bill is a second witness. Nothing but the command line, tests and
benchmarks uses it.
"""

from __future__ import annotations

from routing.sandbox.app import create_app
from routing.sandbox.server import Sandbox, serve
from routing.sandbox.settings import Settings

__all__ = ["Sandbox", "Settings", "create_app", "serve"]
