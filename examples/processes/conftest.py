"""The services, started once for all tests of this folder, and a browser."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy.orm import Session

from pytest_traces import Receiver

from . import node_packages
from .deployment import Deployment
from .services import database

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")

# No sandbox: containers have none. The rest keeps the browser from calling home.
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def deployment(
    traces_receiver: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """All four services, in processes that outlive a test: each test gets the spans it causes."""
    try:
        node_packages.install()
        deployment = Deployment(traces_receiver.env, tmp_path_factory.mktemp("processes"))
    except node_packages.Unavailable as reason:
        leave_out(str(reason))
    fill(deployment.database)
    with deployment.running():
        yield deployment


@pytest.fixture(autouse=True)
def logs(deployment: Deployment) -> Iterator[None]:
    """Every service is ready; what it then writes is shown by pytest where a test fails."""
    deployment.wait()
    for service in deployment.services.values():
        service.news()
    yield
    for service in deployment.services.values():
        if news := service.news():
            sys.stdout.write(f"----- {service.name}\n{news}\n")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The machine's own Chromium.

    It runs no longer than for one module: playwright keeps an event loop running in this thread,
    and asynchronous tests of other modules need one of their own.
    """
    chromium = os.environ.get("CHROME_PATH") or next(
        filter(None, map(shutil.which, CHROMIUM)), None
    )
    if chromium is None:
        leave_out("there is no Chromium on the PATH, and no CHROME_PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, deployment: Deployment) -> Iterator[Page]:
    """The shop's page; that it was loaded is in `traces.setup`."""
    page = browser.new_page()
    page.goto(deployment.url)
    yield page
    page.close()


@pytest.fixture
def client(deployment: Deployment) -> Iterator[httpx.Client]:
    """Somebody who has no page."""
    with httpx.Client(base_url=deployment.url, trust_env=False, timeout=30) as client:
        yield client


def fill(file: Path) -> None:
    """Two orders: 7 has five items, 8 costs more than the bank will pay."""
    engine = database.open_database(file)
    database.Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        session.add_all(
            database.Item(order=7, article=article, price=1_000)
            for article in ("tea", "cups", "sugar", "spoons", "cake")
        )
        session.add(database.Item(order=8, article="yacht", price=100_001))
    engine.dispose()


def leave_out(reason: str) -> NoReturn:
    """Skips; but a machine that is there to run everything has to."""
    if os.environ.get("CI") or os.environ.get("PYTEST_TRACES_ORACLES"):
        raise pytest.fail.Exception(reason, pytrace=False) from None
    raise pytest.skip.Exception(reason) from None
