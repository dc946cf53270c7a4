"""Who is to blame: each attempt once at most, and nobody for a caller's haste or a call's own end."""

from gateway.domain.errors import UpstreamFailure
from gateway.recording.journal import Try
from gateway.relay.health import Health


def blame_failure(health: Health, notes: Try, failed: UpstreamFailure) -> None:
    """The attempt failed."""
    if failed.blames_target:
        _blame(health, notes)


def blame_silence(health: Health, notes: Try) -> None:
    """The attempt was silent for longer than its target may be."""
    if notes.target.blames_silence:
        _blame(health, notes)


def _blame(health: Health, notes: Try) -> None:
    if not notes.is_blamed:
        notes.is_blamed = True
        health.failed(notes.target)
