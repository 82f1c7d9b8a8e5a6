"""What the contract promises is asked of both stores."""

from tests.lib.both_stores import dsn, repository_for

__all__ = ["dsn", "repository_for"]
