"""Begin a programme: its folder, its page, one pure rule, and a first test that fails until somebody says what is true.

Usage: python scripts/new_program.py NAME      (a Python name in the words of the staff, like `referral`)

Only what every programme has from its first day is made. The other rooms (`module.py`, `pages.py`, `operations.py`,
`reactions.py`, `actions.py`, `queries.py`, `resources.py`) are added when they have something to hold;
docs/explanation/architecture.md says what belongs where, and `make lint` refuses any other name.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

README = """# {title}

*Who it serves:* ...

*The story in five lines:* ...

*States:* ...

*Resources written and reacted to:* ...

*Screens:* ...

*Limits:* ...
"""

MODEL = '''"""The words, states and rules of {title}. Pure: nothing but the standard library."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a piece of this work can stand. Name the states as the staff do."""

    WAITING = "waiting"
    DONE = "done"
'''

TEST = '''"""The rules of {title}, without a database and without a page."""

from __future__ import annotations

from minkang.programs.{name} import model


def test_the_first_rule_of_{name}_is_written() -> None:
    # Replace this by the first true sentence about the work, and then by the next.
    assert "waiting" not in [state.value for state in model.State], "say what people wait for"
'''


def main() -> None:
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    if not re.fullmatch(r"[a-z][a-z_]*[a-z]", name):
        sys.exit("Give one name in small letters, like: make new-program NAME=referral")
    for path in files(name):
        if path.exists():
            sys.exit(f"{path.relative_to(ROOT)} is there already.")
    for path, text in files(name).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))
    print(f"\nNow: make test T=tests/programs/{name}   (it fails until the first rule is written)")


def files(name: str) -> dict[Path, str]:
    """What a new programme consists of."""
    title = name.replace("_", " ")
    folder = ROOT / "src" / "minkang" / "programs" / name
    return {
        folder / "__init__.py": f'"""Programme: {title}."""\n',
        folder / "README.md": README.format(title=title.capitalize()),
        folder / "model.py": MODEL.format(title=title),
        ROOT / "tests" / "programs" / name / "test_model.py": TEST.format(name=name, title=title),
    }


if __name__ == "__main__":
    main()
