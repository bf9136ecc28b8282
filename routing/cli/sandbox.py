"""``routing sandbox``: a vendor on this machine."""

from __future__ import annotations

import click

DEFAULT_PORT = 8788


@click.command
@click.option(
    "--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, show_default=True, help="0 picks a free one."
)
@click.option("--latency", type=click.FloatRange(min=0), default=0.0, metavar="SECONDS", help="Before every answer.")
@click.option("--images-per-minute", type=click.IntRange(min=1), help="Per model; beyond it, it answers 429.")
def sandbox(port: int, latency: float, images_per_minute: int | None) -> None:
    """Run a vendor on this machine that charges nothing.

    It speaks the wire protocols of OpenAI, Gemini, fal and APIMart, refuses what they refuse, draws a picture that
    shows its prompt, and keeps a bill. Only this machine can reach it. Ctrl-C ends it.

    [fault:500] in a prompt makes the call fail, [unsafe] is flagged by moderation.
    """
    from routing.cli.vendor import require_sandbox

    require_sandbox()
    from routing.sandbox import Settings, serve

    def announce(chosen: int) -> None:
        click.echo("\n".join(welcome(f"http://127.0.0.1:{chosen}")))

    settings = Settings(latency_s=latency, images_per_minute=images_per_minute)
    try:
        serve(port=port, settings=settings, announce=announce)
    except OSError as error:
        raise OSError(
            error.errno, f"port {port} cannot be used ({error.strerror}): choose another with --port"
        ) from error
    except KeyboardInterrupt:
        # Ctrl-C is how it is meant to end.
        click.echo("the sandbox has ended; its bill is gone with it")


def welcome(url: str) -> list[str]:
    """Say where it is and how to use it."""
    from routing.cli.vendor import environment
    from routing.sandbox.faults import FAULTS

    return [
        f"the sandbox listens on {url}; Ctrl-C ends it",
        "",
        "point the router at it in another terminal:",
        *(f"  export {name}={value}" for name, value in environment(url).items()),
        "",
        f"what it charged:   curl {url}/_bill    (/_bill.csv and /_bill.jsonl: as vendors send it)",
        f"what it was asked: curl {url}/_log",
        f"what may go wrong: [fault:500] in a prompt, or another of {', '.join(FAULTS)}",
    ]
