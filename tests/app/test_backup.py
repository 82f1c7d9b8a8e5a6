"""A backup taken while the platform writes, restored elsewhere, holds exactly what had been acknowledged by then."""

from __future__ import annotations

import asyncio
import shutil
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import orjson
import pytest

from minkang.app import archive
from minkang.app.backup import back_up
from minkang.app.restore import restore
from minkang.kit import settings
from minkang.kit.postgres.cluster import Cluster
from minkang.kit.settings import Settings
from minkang.kit.trouble import Trouble
from tests.kill.writing import Writers
from tests.lib.serving import Platform, get, platform


@pytest.fixture(scope="module")
def running() -> Iterator[Platform]:
    with platform() as made:
        made.start()
        yield made


def chosen(made: Platform, **more: str) -> Settings:
    return settings.load(made.environment, **more)


@pytest.fixture(scope="module")
def saved(running: Platform) -> tuple[Path, Writers, Writers]:
    """The backup, what was acknowledged before it began, and all that was acknowledged until after its end."""
    file = running.folder.root.with_name("saved.minkang")
    with Writers(running.address) as before:
        before.acknowledge(60)
    with Writers(running.address, number=1) as during:
        during.acknowledge(10)
        back_up(chosen(running), file)
        during.acknowledge(10)
    return file, before, during


def test_a_backup_restored_elsewhere_answers_as_the_platform_did(running: Platform, saved):
    file, before, during = saved
    patients = _all(running.address, "Patient")
    with platform() as other:
        restore(chosen(other), file)
        other.start()
        restored = _all(other.address, "Patient")
        name = get(f"{other.address}/fhir/Patient?name=wangxiaoming&_summary=count")
    assert before.told.patients.keys() <= restored.keys() <= before.told.patients.keys() | during.told.patients.keys()
    assert restored == {id: patients[id] for id in restored}, "byte for byte"
    assert orjson.loads(name[1])["total"] == len(restored), "the keys came with it: names are found"


def test_a_backup_is_for_its_owner_alone_and_leaves_no_half_file(saved):
    file, _, _ = saved
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.glob(".*")] == []


def test_a_backup_does_not_replace_another(running: Platform, saved):
    with pytest.raises(Trouble, match="never replaces another"):
        back_up(chosen(running), saved[0])


def test_a_backup_without_the_key_file_is_refused(running: Platform, tmp_path):
    bare = replace(chosen(running), data=tmp_path, database_url=Cluster(running.folder).url)
    with pytest.raises(Trouble, match="nothing to save without the key file"):
        back_up(bare, tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_a_backup_with_the_key_file_of_another_database_is_refused(running: Platform, tmp_path):
    from minkang.store.keys import load_or_create

    load_or_create(tmp_path / "keys" / "store.key")
    other = replace(chosen(running), data=tmp_path, database_url=Cluster(running.folder).url)
    with pytest.raises(Trouble, match="not the one this database was sealed with"):
        back_up(other, tmp_path / "file")


@pytest.mark.parametrize("harm", ["cut short", "one byte changed", "no tar at all"])
def test_a_damaged_backup_is_refused_before_anything_is_touched(saved, tmp_path, harm):
    content = bytearray(saved[0].read_bytes())
    match harm:
        case "cut short":
            del content[len(content) // 2 :]
        case "one byte changed":
            content[4000] ^= 1
        case _:
            content[:] = b"not a backup"
    file = tmp_path / "harmed"
    file.write_bytes(content)
    with pytest.raises(Trouble, match=r"damaged|not a whole backup"):
        restore(settings.load({"MINKANG_DATA": str(tmp_path / "new")}), file)
    assert not (tmp_path / "new").exists()


def test_a_folder_with_something_in_it_is_left_alone(saved, tmp_path):
    (tmp_path / "diary.txt").write_text("mine")
    with pytest.raises(Trouble, match="is not empty"):
        restore(settings.load({"MINKANG_DATA": str(tmp_path)}), saved[0])
    assert [path.name for path in tmp_path.iterdir()] == ["diary.txt"]


def test_a_restore_that_fails_on_the_way_leaves_the_folder_as_empty_as_it_was(saved):
    with platform() as made:
        with archive.checked(saved[0]) as backup:
            short = replace(backup.manifest, rows=backup.manifest.rows | {"resource": 1})
            wrong = made.folder.root.with_name("wrong.minkang")
            with archive.written(wrong) as writer:
                for name in (archive.DUMP, archive.KEY):
                    writer.add(name, backup.open(name))
                writer.finish(replace(short, members=writer.members))
        with pytest.raises(Trouble, match=r"resource has \d+ of 1 rows"):
            restore(chosen(made), wrong)
        assert not made.folder.root.exists()
        assert not any((Path(made.environment["MINKANG_STATE"]) / "clusters").glob("*"))


def test_a_backup_of_a_newer_schema_is_refused(saved, tmp_path):
    with archive.checked(saved[0]) as backup, archive.written(tmp_path / "newer") as writer:
        for name in (archive.DUMP, archive.KEY):
            writer.add(name, backup.open(name))
        writer.finish(replace(backup.manifest, schema=9999, members=writer.members))
    with pytest.raises(Trouble, match="which is newer"):
        restore(settings.load({"MINKANG_DATA": str(tmp_path / "new")}), tmp_path / "newer")


def test_a_server_of_ones_own_takes_a_backup_when_its_database_is_empty(saved, empty_database_url, tmp_path):
    there = settings.load({"MINKANG_DATA": str(tmp_path / "new"), "MINKANG_DATABASE_URL": empty_database_url})
    restore(there, saved[0])
    with archive.checked(saved[0]) as backup:
        expected = backup.manifest.rows["resource"]
        assert (tmp_path / "new" / "keys" / "store.key").read_bytes() == backup.open(archive.KEY).read()
    assert asyncio.run(_count(empty_database_url)) == expected
    with pytest.raises(Trouble, match=r"key file .* already"):
        restore(there, saved[0])
    with pytest.raises(Trouble, match="The database is not empty"):
        restore(replace(there, data=tmp_path / "another"), saved[0])


def test_a_platform_that_does_not_run_is_started_for_its_backup(saved, tmp_path):
    with platform() as made:
        restore(chosen(made), saved[0])
        back_up(chosen(made), tmp_path / "again")
        assert Cluster(made.folder).running() is None
        with archive.checked(tmp_path / "again") as again, archive.checked(saved[0]) as first:
            assert again.manifest.rows == first.manifest.rows
        shutil.rmtree(made.folder.root)


def _all(address: str, type: str) -> dict[str, bytes]:
    """Every resource of a type by its id, as bytes, read one by one."""
    url: str | None = f"{address}/fhir/{type}?_count=100&_elements=id"
    ids: list[str] = []
    while url is not None:
        page = orjson.loads(get(url)[1])
        ids += [entry["resource"]["id"] for entry in page.get("entry", [])]
        url = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)
    return {id: get(f"{address}/fhir/{type}/{id}")[1] for id in ids}


async def _count(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval("SELECT count(*) FROM resource")
    finally:
        await connection.close()
