"""Errors that a provider reports inside an answer of status 200."""

from collections.abc import Callable

from gateway.domain.call import Target
from gateway.domain.error_names import error_names
from gateway.domain.reports import UpstreamReported
from gateway.domain.request_faults import is_request_fault
from switchboard.stream.provider_errors import InBandError


def reported(target: Target, error: InBandError, scrub: Callable[[str], str]) -> UpstreamReported:
    """The failure. `scrub` removes the call's secrets from a text."""
    names = error_names(error, scrub)
    is_fault = is_request_fault(error) and not names.is_slip
    return UpstreamReported(target, scrub(error.message), names=names, is_request_fault=is_fault)
