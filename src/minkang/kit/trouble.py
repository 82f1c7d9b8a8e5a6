"""Trouble: an expected problem of the machine or of a setting, told in one clear sentence and without a traceback."""

from __future__ import annotations


class Trouble(Exception):
    """Something outside the program has to be changed by a person; the message says what and how.

    `exit_code` is what the command ends with: 2 for a bad argument or setting, 1 for a machine that does not comply.
    """

    exit_code = 1


class BadSetting(Trouble):
    """A setting has a value that cannot be used."""

    exit_code = 2
