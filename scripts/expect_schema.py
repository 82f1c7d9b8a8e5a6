"""Write the `.expect` file of the newest migration from a scratch database: python scripts/expect_schema.py URL.

URL names an empty database. Read the difference before committing it: the file is the promise, not the result.
"""

import asyncio
import sys

import asyncpg

from minkang.store import migrate


async def main(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(
        "CREATE TABLE migration (number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,"
        " applied timestamptz NOT NULL DEFAULT now())"
    )
    for sql in sorted(migrate._FOLDER.iterdir(), key=lambda file: file.name):
        if sql.name.endswith(".sql"):
            await connection.execute(sql.read_text())
            newest = sql
    text = await migrate.describe(connection)
    newest.with_suffix(".expect").write_text(text)
    print(f"{newest.with_suffix('.expect')}: {len(text.splitlines())} lines")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
