"""Who somebody is (主索引): registrations that are of one person are found, linked, and parted again.

person.py      what matching looks at in a Patient (pure)
rules.py       strong numbers, and what must agree beside them (pure)
comparing.py   how far two registrations agree, field by field (pure)
scoring.py     weights of agreement, after Fellegi and Sunter (pure)
blocking.py    keys under which candidates are found (pure)
deciding.py    linked, looked at by a person, or somebody new (pure)
learning.py    weights from a population, by expectation and maximization (pure)
evaluating.py  how well it does on sets whose truth is known (pure)
"""
