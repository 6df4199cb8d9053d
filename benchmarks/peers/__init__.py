"""The peers' side of the leaderboard: other libraries, each in its own environment.

The scripts `with_*.py` run inside the environments of the libraries, where nothing of this project
is installed, so this file must import nothing at the top.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from benchmarks.cells import Cell


def forecasts(cell: Cell, data: Path, cache: Path) -> dict[str, pd.DataFrame]:
    """What every peer says about a cell, fitting those that are not in the cache.

    Parameters
    ----------
    cell : Cell
    data : Path
        The folder of real data.
    cache : Path
        Holds environments, inputs and forecasts; made where it is missing. The first call for a
        library installs it there with pip.

    Returns
    -------
    dict of str to pandas.DataFrame
        Name of the peer -> index `customer_id` (the population of the cell, sorted), `churn_risk`
        and `spend`; a column is NaN throughout where the peer gives none. A peer without a row for
        the cell is absent; `runs` says why.
    """
    from benchmarks.peers.run import runs

    return {run.peer.name: run.forecast for run in runs(cell, data, cache) if run.has_forecast}
