import pytest

from hallo2_core.jobs.journal import NAME, PREVIOUS

GARBAGE = {"truncated": lambda content: content[: len(content) // 2], "empty": lambda content: b"",
           "garbage": lambda content: bytes(255 - byte for byte in content)}  # fmt: skip


@pytest.fixture(params=GARBAGE)
def spoil(request, work):
    """Does to a file of the job what a failing disk does."""

    def spoiled(name):
        path = work.folder / name
        path.write_bytes(GARBAGE[request.param](path.read_bytes()))

    return spoiled


@pytest.mark.parametrize("until", [2, 3, 4, 5])
def test_a_damaged_journal_costs_one_clip_and_says_so(work, spoil, until, warnings):
    work.make(until)
    spoil(NAME)
    with work.job() as job:
        assert job.journal.clips == until - 1 and job.journal.frames == 4 * (until - 1)
        assert b"".join(path.read_bytes() for path in job.segments) == b"".join(map(work.clip, range(until - 1)))
    assert warnings() == [f"{NAME} in {work.folder} is damaged: the last clip is rendered again."]
    assert work.finish() == until - 1 and work.is_finished() and len(warnings()) == 1


def test_its_repair_lasts(work, spoil, warnings):
    """The damaged journal must not take the place of the good one when the next clip is written down."""
    work.make(3)
    spoil(NAME)
    work.make(2)
    assert len(warnings()) == 1
    (work.folder / NAME).write_bytes(b"again")
    assert work.finish() == 2 and work.is_finished() and len(warnings()) == 2


@pytest.mark.parametrize("name", ["clips-0001.ts", "state-0.safetensors"])
def test_a_damaged_last_clip_costs_that_clip(work, spoil, name, warnings):
    """Four clips: the last of them and the state after it."""
    work.make(4)
    if name == "clips-0001.ts":
        (work.folder / name).write_bytes(work.clip(2) + b"<clip 00")
    else:
        spoil(name)
    assert work.finish() == 3 and work.is_finished()
    assert warnings() == [f"{name} in {work.folder} is damaged: the last clip is rendered again."]


def test_damage_to_the_older_journal_is_not_noticed(work, spoil, warnings):
    work.make(3)
    spoil(PREVIOUS)
    assert work.finish() == 3 and work.is_finished() and not warnings()


def test_without_its_newest_journal_it_goes_on_from_the_older_one_and_says_nothing(work, warnings):
    """As after a power cut between two renames."""
    work.make(3)
    (work.folder / NAME).unlink()
    assert work.finish() == 2 and work.is_finished() and not warnings()


def test_with_both_journals_damaged_it_starts_anew_and_keeps_the_clips(work, spoil, warnings):
    work.make(4)
    spoil(NAME)
    spoil(PREVIOUS)
    with work.job() as job:
        assert job.journal.clips == 0 and job.state() == {}
    orphans = {"orphan-0000.ts": work.clip(0) + work.clip(1), "orphan-0001.ts": work.clip(2) + work.clip(3)}
    assert work.names() == set(orphans)  # also after a run that was stopped before its first clip
    first, *others = warnings()
    assert first == f"Missing or damaged in {work.folder}: {NAME}, {PREVIOUS}. The job starts over."
    assert [str(work.folder / name) in line for name, line in zip(orphans, others, strict=True)] == [True, True]
    assert work.finish() == 0 and work.names() == {NAME, *orphans} and len(warnings()) == 3
    assert {name: (work.folder / name).read_bytes() for name in orphans} == orphans


def test_clips_kept_before_are_never_overwritten(work):
    for _twice in range(2):
        work.make(2)
        for name in (NAME, PREVIOUS):
            (work.folder / name).write_bytes(b"")
    work.make(1)
    assert {name for name in work.names() if name.startswith("orphan")} == {"orphan-0000.ts", "orphan-0000-2.ts"}


@pytest.mark.parametrize("name", ["clips-0000.ts", "clips-0001.ts"])
def test_damage_further_back_starts_anew_and_keeps_the_clips(work, spoil, name, warnings):
    work.make(5)
    spoil(name)
    assert work.finish() == 0
    assert warnings()[0] == f"Missing or damaged in {work.folder}: {name}. The job starts over."
    assert {name for name in work.names() if name.startswith("orphan")} == {f"orphan-000{n}.ts" for n in range(3)}


def test_what_lies_beyond_the_last_clip_is_cut_off(work, warnings):
    work.make(3)
    for name in ("clips-0001.ts", "clips-0002.ts", "state-0.safetensors.part", f"{NAME}.part"):
        with (work.folder / name).open("ab") as file:
            file.write(b"in flight when the power went")
    with work.job() as job:
        assert (work.folder / "clips-0001.ts").read_bytes() == work.clip(2) and job.journal.clips == 3
        assert not {"clips-0002.ts", "state-0.safetensors.part", f"{NAME}.part"} & work.names()
    assert work.finish() == 3 and work.is_finished() and not warnings()


def test_a_finished_job_with_a_damaged_journal_starts_anew(work, spoil, warnings):
    work.finish()
    spoil(NAME)
    work.video.unlink()
    assert work.finish() == 0 and work.is_finished() and len(warnings()) == 1
