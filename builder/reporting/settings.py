"""Settings of the report."""

from dataclasses import dataclass

from builder.settings import setting


@dataclass
class Report:
    """The page that `builder report` writes."""

    output: str = setting(
        "",
        "File of the page. Empty: `<paths.workspace>/<dataset.name>/report.html`.",
        pattern=r"^(.+\.html?)?$(?!\n)",
        allowed="a path that ends in .html",
    )
    public: bool = setting(
        False, "Write the public page, which is that of the latest release, without names and texts."
    )
    idle: float = setting(900.0, "Seconds on one chunk after which somebody counts as away: the rest is cut.", gt=0)
