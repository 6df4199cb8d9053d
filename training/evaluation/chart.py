"""What all figures have in common: a canvas without pyplot, colours, and who and when is shown."""

from __future__ import annotations

import io
import textwrap
from typing import Self

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

# Blue and orange of Okabe & Ito (2008), told apart by colour-blind readers and in grey print.
ACTUAL = "#0072B2"
FORECAST = "#D55E00"
REFERENCE = "#767676"
# Characters that fit a line of the title, and of the smaller one below it.
TITLE_WIDTH, SUBTITLE_WIDTH = 72, 84
TITLE_SIZE, SUBTITLE_SIZE = 11, 8.5


class Chart(Figure):
    """A figure that notebooks show as a picture, whether or not pyplot was ever imported.

    Examples
    --------
    >>> figure, axes = canvas("Nothing yet")
    >>> figure.with_subtitle("Bakery", None, "90 days").subtitle
    'Bakery · 90 days'
    """

    subtitle: str = ""

    def with_subtitle(self, *parts: str | None) -> Self:
        """The same figure, told below its title what it is about; unknown parts are left out."""
        if self.subtitle:
            raise ValueError(f"a figure must have one subtitle; got {self.subtitle!r} before.")
        self.subtitle = " · ".join(part for part in parts if part)
        # Wrapped with no-break spaces inside the parts, so that a line ends after a whole one.
        whole = self.subtitle.replace(" ", "\N{NO-BREAK SPACE}").replace(
            "\N{NO-BREAK SPACE}·\N{NO-BREAK SPACE}", "\N{NO-BREAK SPACE}· "
        )
        lines = [
            line.rstrip("\N{NO-BREAK SPACE}·") for line in textwrap.wrap(whole, SUBTITLE_WIDTH)
        ]
        if lines:
            axes = self.axes[0]
            _entitle(axes, axes.get_title(loc="left"), pad=7 + 12 * len(lines))
            axes.annotate(
                "\n".join(lines).replace("\N{NO-BREAK SPACE}", " "),
                (0, 1),
                xytext=(0, 6),
                xycoords="axes fraction",
                textcoords="offset points",
                fontsize=SUBTITLE_SIZE,
                color=REFERENCE,
                va="bottom",
            )
        return self

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png")
        return file.getvalue()


def canvas(title: str, height: float = 4.8) -> tuple[Chart, Axes]:
    """A figure of one panel with its title."""
    figure, (axes,) = panels(title, height, 1)
    return figure, axes


def panels(
    title: str, height: float, count: int, height_ratios: tuple[float, ...] | None = None
) -> tuple[Chart, tuple[Axes, ...]]:
    """A figure of panels below each other along one x axis, the title above the first."""
    figure = Chart(figsize=(6.4, height), dpi=120, layout="constrained")
    found = figure.subplots(count, 1, sharex=True, squeeze=False, height_ratios=height_ratios)
    axes = tuple(found[:, 0])
    lines = (line for part in title.splitlines() for line in textwrap.wrap(part, TITLE_WIDTH))
    _entitle(axes[0], "\n".join(lines))
    for each in axes:
        each.spines[["top", "right"]].set_visible(False)
    return figure, axes


def percent() -> FuncFormatter:
    """Ticks of shares as percentages, the sign being in the label of the axis."""
    return FuncFormatter(lambda share, _: f"{100 * share:.4g}")


def _entitle(axes: Axes, title: str, pad: float = 6.0) -> None:
    axes.set_title(title, loc="left", fontsize=TITLE_SIZE, pad=pad)
