"""The service that takes the money. ``opentelemetry-instrument flask --app services.payments run``.

It imports nothing of OpenTelemetry: the command instruments it.
"""

from http import HTTPStatus

from flask import Flask, Response, make_response, request

CREDIT = 100_000

app = Flask("payments")


@app.post("/charge")
def charge() -> Response:
    """Charges this amount, unless the bank declines."""
    cents: int = request.get_json()["cents"]
    if cents > CREDIT:
        return make_response({"declined": cents}, HTTPStatus.PAYMENT_REQUIRED)
    return make_response({"charged": cents})
