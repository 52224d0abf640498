"""Snapshot, journal and lock on plain folders."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from envcheck.changes import links, session, snapshot
from envcheck.changes.run import StepFailed, run_step
from envcheck.changes.store import MARK, Change, Store, kill_leftovers
from envcheck.model import EnvcheckError
from tests.changes.trees import digest


def silent(text: str) -> None:
    del text


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder as an installer would fill it."""
    root = tmp_path / "env" / "site"
    (root / "numpy" / "core").mkdir(parents=True)
    (root / "numpy" / "core" / "a.py").write_text("one", encoding="utf-8")
    (root / "numpy-1.dist-info").mkdir()
    (root / "numpy-1.dist-info" / "RECORD").write_text("", encoding="utf-8")
    (root / "mine.pth").write_text("/somewhere\n", encoding="utf-8")
    (root / "link").symlink_to("numpy")
    (root / "run").write_text("#!", encoding="utf-8")
    (root / "run").chmod(0o755)
    return root


def spoil(root: Path) -> None:
    """What installers do: replace, remove, add, and edit a .pth where it is."""
    (root / "numpy" / "core" / "a.py").unlink()
    (root / "numpy" / "core" / "a.py").write_text("two", encoding="utf-8")
    (root / "numpy-1.dist-info").rename(root / "numpy-2.dist-info")
    with (root / "mine.pth").open("a", encoding="utf-8") as stream:
        stream.write("/elsewhere\n")
    (root / "link").unlink()
    (root / "link").mkdir()
    (root / "run").chmod(0o600)
    (root / "new").mkdir()
    (root / "new" / "b.py").write_text("", encoding="utf-8")


def begun(place: Path, *more: Path) -> Change:
    change = Store(place.parent).begin("fix")
    snapshot.take(change, [place, *more])
    return change


def test_everything_comes_back(place: Path) -> None:
    before = digest(place)
    change = begun(place)
    spoil(place)
    assert digest(place) != before
    snapshot.restore(change)
    # The mode is the file's own, which a hard link shares: only that does not come back.
    (place / "run").chmod(0o755)
    assert digest(place) == before


def test_what_was_not_there_goes_again_and_a_file_may_be_a_root(
    place: Path, tmp_path: Path
) -> None:
    stray, new = tmp_path / "wrapt.py", tmp_path / "wrapt.py.old"
    stray.write_text("mine", encoding="utf-8")
    change = begun(place, stray, new)
    stray.rename(new)
    snapshot.restore(change)
    assert (stray.read_text(encoding="utf-8"), new.exists()) == ("mine", False)


@pytest.mark.parametrize("survives", range(1, 7))
def test_a_restore_that_was_killed_is_begun_anew(
    place: Path, monkeypatch: pytest.MonkeyPatch, survives: int
) -> None:
    before = digest(place)
    change = begun(place)
    spoil(place)
    left = [survives]

    def dies(path: Path) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        real(path)

    real: Callable[[Path], None] = snapshot._remove
    with monkeypatch.context() as patched:
        patched.setattr(snapshot, "_remove", dies)
        try:
            snapshot.restore(change)
        except KeyboardInterrupt:
            assert change.read()["state"] == "restoring"
    assert session.recover(Store(place.parent), silent)
    (place / "run").chmod(0o755)
    assert digest(place) == before
    assert Store(place.parent).changes() == []


def test_one_that_died_while_it_copied_has_changed_nothing(place: Path) -> None:
    before = digest(place)
    store = Store(place.parent)
    change = store.begin("fix")
    (change.files / "0").mkdir(parents=True)  # half of a copy
    assert session.recover(store, silent)
    assert (digest(place), store.changes()) == (before, [])


def test_a_folder_without_a_journal_is_dropped(place: Path) -> None:
    store = Store(place.parent)
    (store.folder / "changes" / "0001").mkdir(parents=True)
    assert store.changes() == []


def test_whatever_is_raised_takes_everything_back(place: Path) -> None:
    before = digest(place)
    changing = session.changing(Store(place.parent), [place], silent)
    with pytest.raises(KeyboardInterrupt), changing:
        (place / "numpy" / "core" / "a.py").unlink()
        raise KeyboardInterrupt
    assert (digest(place), Store(place.parent).changes()) == (before, [])


def test_later_installs_are_noticed(place: Path) -> None:
    change = begun(place)
    spoil(place)
    snapshot.close(change)
    assert snapshot.later_installs(change) == []
    (place / "keras-3.dist-info").mkdir()
    (place / "a_command").touch()
    assert snapshot.later_installs(change) == ["keras-3.dist-info"]
    snapshot.restore(change)
    assert (place / "a_command").exists()  # put there by someone else
    assert not (place / "keras-3.dist-info").exists()


def test_a_step_shows_itself_and_keeps_its_output(tmp_path: Path) -> None:
    told: list[str] = []
    log = tmp_path / "logs" / "log"
    run_step([sys.executable, "-c", "print('a b')"], log, told.append, mark=tmp_path)
    assert told == [f"$ {sys.executable} -c 'print('\"'\"'a b'\"'\"')'"]
    assert log.read_text(encoding="utf-8").splitlines()[-1] == "a b"


def test_a_step_that_fails_says_why(tmp_path: Path) -> None:
    code = "import sys; print('ERROR: no such thing'); print('see the docs'); sys.exit(7)"
    with pytest.raises(StepFailed, match=r"ended with status 7: ERROR: no such thing \(log: "):
        run_step([sys.executable, "-c", code], tmp_path / "log", silent, mark=tmp_path)
    with pytest.raises(StepFailed, match="cannot be started: No such file"):
        run_step([str(tmp_path / "none")], tmp_path / "log", silent, mark=tmp_path)


def test_what_a_killed_envcheck_left_running_is_ended(place: Path) -> None:
    change = begun(place)
    sleeper = "import time; time.sleep(600)"
    ours = subprocess.Popen(
        [sys.executable, "-c", sleeper], env={**os.environ, MARK: str(change.folder)}
    )
    other = subprocess.Popen([sys.executable, "-c", sleeper])
    try:
        kill_leftovers(change)
        assert not psutil.pid_exists(ours.pid)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()
        ours.wait()


HOLD = """
import sys
from pathlib import Path
from envcheck.changes.store import Store
with Store(Path(sys.argv[1])).locked(False, print):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_two_at_once(tmp_path: Path) -> None:
    """The second one says so, or waits; the lock of one that was killed is free."""
    argv = [sys.executable, "-c", HOLD, str(tmp_path)]
    holder = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout and holder.stdin and holder.stdout.readline() == b"held\n"
    store = Store(tmp_path)
    text = f"Another envcheck \\(process {holder.pid}\\) is changing {tmp_path}: try again later."
    with pytest.raises(EnvcheckError, match=text), store.locked(False, silent):
        pass
    told: list[str] = []

    def tell(words: str) -> None:
        told.append(words)
        psutil.Process(holder.pid).kill()

    with store.locked(True, tell):
        assert told == [
            f"Another envcheck (process {holder.pid}) is changing {tmp_path}: waiting for it."
        ]
    holder.communicate()


def test_links_are_relative_and_go_again(tmp_path: Path) -> None:
    site = tmp_path / "site"
    for name in ("cuda_runtime", "cusolver"):
        (site / "nvidia" / name / "lib").mkdir(parents=True)
        (site / "nvidia" / name / "lib" / f"lib{name}.so.11").write_text(name, encoding="utf-8")
    before = digest(site)
    (made,) = links.make(Store(tmp_path), site, ("cusolver",))
    assert made == site / "nvidia/cuda_runtime/lib/libcusolver.so.11"
    assert os.readlink(made) == "../../cusolver/lib/libcusolver.so.11"
    assert made.read_text(encoding="utf-8") == "cusolver"
    assert links.make(Store(tmp_path), site, ("cusolver",)) == ()  # once is enough
    for change in reversed(Store(tmp_path).changes()):
        session.take_back(change)
    assert digest(site) == before
