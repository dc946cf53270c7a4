"""The demo upstream of a local system: it echoes, needs no key and takes any request."""

from gateway.providers.histories.refusals import Refusals
from gateway.providers.provider import Provider

DEMO = Provider("demo", models=("demo/",), refuses=Refusals(broken_rounds=False, loose_arguments=False))
