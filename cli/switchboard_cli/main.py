"""The command line interface, `switchboard`."""

import typer

from switchboard_cli import keys, policies, prices, provider_keys, traces
from switchboard_cli.audit import audit
from switchboard_cli.deploy import deploy
from switchboard_cli.export import export_calls

app = typer.Typer(
    help="Deploy and manage Switchboard: gateway keys, policies, prices, provider keys, traces and totals.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(keys.app, name="keys")
app.add_typer(policies.app, name="policies")
app.add_typer(prices.app, name="prices")
app.add_typer(provider_keys.app, name="provider-keys")
app.add_typer(traces.app, name="traces")
app.command("audit")(audit)
app.command("deploy")(deploy)
app.command("export")(export_calls)
