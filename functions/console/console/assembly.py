"""The composition root: settings become a console."""

from datetime import timedelta

from fastapi import FastAPI

from console.app import create_app
from console.observability import Log, logger
from console.page import load_page
from console.reads import Reads, Store, utc_now
from console.settings import Settings
from switchboard.dynamodb import DynamoStore, connect


def build(settings: Settings, store: Store | None = None, log: Log | None = None) -> FastAPI:
    """The console's ASGI application, by default on DynamoDB with its log on stdout."""
    return create_app(Reads(store or _dynamodb(settings)), load_page(), log or logger())


def _dynamodb(settings: Settings) -> Store:
    client = connect(endpoint=settings.dynamodb_endpoint or None)
    # Nothing is written here, so nothing needs a time to live.
    return DynamoStore(client, settings.table_name, retention=timedelta(0), clock=utc_now)
