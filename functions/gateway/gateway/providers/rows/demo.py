"""The demo upstream of a local system: it echoes, needs no key and takes anything."""

from gateway.providers.provider import Provider

DEMO = Provider("demo", models=("demo/",))
