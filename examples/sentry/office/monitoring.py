"""What the office tells Sentry."""

from collections.abc import Mapping
from typing import Any

import sentry_sdk
from sentry_sdk.integrations.flask import FlaskIntegration
from sentry_sdk.integrations.httpx import HttpxIntegration
from sentry_sdk.integrations.sqlalchemy import SqlalchemyIntegration


def set_up(dsn: str | None) -> None:
    """Once, at the start; without a DSN Sentry hears nothing.

    The integrations are named: by default there is one for every library that is installed.
    """
    sentry_sdk.init(
        dsn,
        release="office@1",
        traces_sampler=sample,
        default_integrations=False,
        integrations=[
            FlaskIntegration(transaction_style="url"),
            HttpxIntegration(),
            SqlalchemyIntegration(),
        ],
    )


def sample(context: Mapping[str, Any]) -> float:
    """The caller decides; where nobody has, everything is kept but what a load balancer asks."""
    decided: bool | None = context["parent_sampled"]
    if decided is not None:
        return float(decided)
    return 0.0 if context["wsgi_environ"]["PATH_INFO"] == "/health" else 1.0
