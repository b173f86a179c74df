"""`builder serve`: the embedded Label Studio runs, and people know where to label and as whom."""

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from builder.commands import Shown, table_of
from builder.config import Config
from builder.stage import Progress, silent

if TYPE_CHECKING:
    from builder.studio.campaign import Campaign
    from builder.studio.serving import Served


@dataclass
class Server:
    """The embedded Label Studio. `stop` ends it; with `foreground` it also ends with this process."""

    running: bool
    stopped: bool = False
    foreground: bool = False
    served: "Served | None" = None
    campaign: "Campaign | None" = field(default=None, repr=False)
    open: contextlib.ExitStack = field(default_factory=contextlib.ExitStack, repr=False)

    def stop(self) -> None:
        """The server is down."""
        from builder.studio.serving import stop_serving

        self.open.close()
        if self.campaign is not None:
            stop_serving(self.campaign)
        self.running = False


def serve(
    config: Config,
    *,
    stop: Annotated[bool, "stop it"] = False,
    foreground: Annotated[bool, "stay, and stop it with Ctrl-C"] = False,
    progress: Progress = silent,
) -> Server:
    """Start the embedded Label Studio, or find it running, and say where to label

    It has an account for each annotator and runs until `builder serve --stop`. Raises `ConfigError` when the
    configuration names a server elsewhere.
    """
    from builder import pipeline
    from builder.studio.serving import refuse_elsewhere, stop_serving
    from builder.studio.serving import serve as serve_campaign

    campaign = pipeline.campaign(config)
    refuse_elsewhere(campaign)
    if stop:
        return Server(running=False, stopped=stop_serving(campaign))
    made = Server(running=True, foreground=foreground, campaign=campaign)
    made.served = made.open.enter_context(serve_campaign(campaign, keep=not foreground, progress=progress))
    if not foreground:
        made.open.close()
    return made


def plain(result: Server) -> dict[str, object]:
    """What a script may read: no password."""
    served = result.served
    if served is None:
        return {"running": False, "stopped": result.stopped}
    return {
        "running": result.running,
        "url": served.url,
        "version": served.version,
        "administrator": served.administrator,
        "annotators": [email for email in served.passwords if email != served.administrator],
        "projects": served.projects,
    }


def show(result: Server) -> Shown:
    """Where the server is and who can log in; in the foreground, returns when it was stopped."""
    served = result.served
    if served is None:
        yield "serve: stopped." if result.stopped else "serve: no Label Studio was running."
        return
    yield f"Label Studio {served.version} runs at {served.url}"
    table = table_of("Accounts", "e-mail", "role")
    for email in served.passwords:
        table.add_row(email, "administrator" if email == served.administrator else "annotator")
    yield table
    yield "`builder people --passwords` shows the passwords."
    for slot, url in served.projects.items():
        yield f"Label ({slot}) at {url}"
    if not served.projects:
        yield "There is nothing to label yet: run `builder prepare` and `builder push`."
    if not result.foreground:
        yield "It stays until `builder serve --stop`."
        return
    yield "Ctrl-C stops it."
    from builder.studio.serving import wait_served

    try:
        assert result.campaign is not None
        wait_served(result.campaign)
    except KeyboardInterrupt:
        yield "Stopping."
    result.stop()
