"""What other bureaus are given out of the record: by agreement, by a list of fields, and with a log.

agreement.py   what a file of an agreement says (pure)
rows.py        resources to rows (pure, but for the references they follow)
giving.py      a run: what has changed since the last one goes to the target, and is written down
"""
