"""An error of the Platform API, as every handler may raise it."""

from __future__ import annotations


class Refusal(Exception):
    """``{"id": …, "message": …}`` with an HTTP status."""

    def __init__(self, status: int, id: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.id = id
        self.message = message


def not_found(what: str) -> Refusal:
    """What the call is about is not there."""
    return Refusal(404, "not_found", f"Couldn't find {what}.")


def invalid(message: str) -> Refusal:
    """The body is JSON, but can't be taken."""
    return Refusal(422, "invalid_params", message)
