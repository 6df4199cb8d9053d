"""What a deployment decides: one settings object, from arguments or the environment."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from serving.hosts import is_loopback


class Settings(BaseSettings):
    """Settings of the service; each is also read from the environment as `HOLDFAST_<NAME>`.

    Examples
    --------
    >>> settings = Settings(scores="scores.parquet")
    >>> settings.host, settings.port
    ('127.0.0.1', 8000)
    """

    model_config = SettingsConfigDict(
        env_prefix="HOLDFAST_", frozen=True, hide_input_in_errors=True
    )

    scores: Path | None = Field(
        default=None,
        description="The file written by `holdfast score`, .parquet or .csv; instead of a store.",
    )
    store: str | None = Field(
        default=None,
        description="SQL URL of the store, SQLite or PostgreSQL; instead of a file of scores.",
    )
    tracking_uri: str | None = Field(
        default=None,
        description="Where the champions are; default: `MLFLOW_TRACKING_URI`, else "
        "`sqlite:///mlruns/mlflow.db` in the working directory.",
    )
    host: str = Field(
        default="127.0.0.1",
        description="Address to listen on; others than loopback only with a store that has keys.",
    )
    port: int = Field(
        default=8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one."
    )
    reload_seconds: float = Field(
        default=30.0,
        gt=0,
        allow_inf_nan=False,
        description="How often the service looks whether the champions or the scores file have "
        "changed.",
    )
    max_body_bytes: int = Field(
        default=4 * 1024 * 1024, gt=0, description="Largest request body that is read."
    )
    body_seconds: float = Field(
        default=30.0,
        gt=0,
        allow_inf_nan=False,
        description="How long a request body may take to come in.",
    )
    require_keys: bool = Field(
        default=False,
        description="Whether a key is asked for on loopback too, such as behind a proxy.",
    )
    requests_per_minute: int = Field(
        default=6000, ge=1, description="Requests that each key may make, in each process."
    )
    log_format: Literal["auto", "text", "json"] = Field(
        default="auto",
        description="How the log is written; auto: as text on a terminal, else JSON.",
    )
    worker: bool = Field(
        default=True,
        description="Whether this process also does jobs, scores those again whom events are "
        "about, and delivers webhooks; else a `holdfast worker` does.",
    )
    private_webhooks: bool = Field(
        default=False,
        description="Whether webhooks may go to private addresses, without TLS and to any port, "
        "such as to this machine.",
    )
    clock_start: datetime | None = Field(
        default=None,
        description="For demos and tests: what the shop's clock shows when the service starts.",
    )
    scoring_threads: int = Field(
        default=2, ge=1, description="Requests that are scored at once; others wait their turn."
    )
    max_waiting: int = Field(
        default=32,
        ge=1,
        description="Requests that may wait to be scored; others are asked to come back.",
    )

    @property
    def environment(self) -> dict[str, str]:
        """What a process that works for this one has to know."""
        given = {
            "HOLDFAST_STORE": self.store,
            "HOLDFAST_TRACKING_URI": self.tracking_uri,
            "HOLDFAST_CLOCK_START": None
            if self.clock_start is None
            else self.clock_start.isoformat(),
        }
        return {name: value for name, value in given.items() if value is not None}

    @property
    def keys_required(self) -> bool:
        """Whether nobody is answered without a key."""
        return self.require_keys or not is_loopback(self.host)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.scores is None) == (self.store is None):
            raise ValueError(
                "either scores or store must be given: a file of scores, or the URL of a store"
            )
        if self.keys_required and self.store is None:
            raise ValueError(
                "store must be given where keys are asked for, off loopback or by require_keys: "
                "it keeps them"
            )
        return self
