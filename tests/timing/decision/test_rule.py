"""Is a path slower than in the baseline runs."""

import pytest

from pytest_traces.timing.baseline.paths import CALIBRATION
from pytest_traces.timing.decision.data import Key, Past, Present, Verdict
from pytest_traces.timing.decision.rule import is_recorded, judge, next_stage

MS = 1_000_000


def key(name: str) -> Key:
    return "test", (name,)


def verdict_of(
    past: list[dict[str, int]],
    present: dict[str, list[int]],
    name: str = "work",
    calibrations: list[int | None] | None = None,
) -> Verdict:
    figures = calibrations or [None] * (len(past) + 1)
    runs = [
        Past({key(one): ns for one, ns in run.items()} | loop(figure))
        for run, figure in zip(past, figures, strict=False)
    ]
    slow = {one: [9 * ns, ns] for one, ns in loop(figures[len(past)]).items()}
    now = Present({key(one): times for one, times in present.items()} | slow)
    return judge(runs, now, [key(name)])[key(name)]


def loop(figure: int | None) -> dict[Key, int]:
    return {} if figure is None else {("test", CALIBRATION): figure}


def others(speed: float = 1.0) -> dict[str, int]:
    return {f"other {i}": round(speed * MS * (i + 1)) for i in range(6)}


def repeated(bests: dict[str, int]) -> dict[str, list[int]]:
    return {name: [ns] for name, ns in bests.items()}


def test_the_best_of_the_repeats_counts() -> None:
    """Whatever the others took."""
    verdict = verdict_of([{"work": MS}] * 3, {"work": [9 * MS, MS, 4 * MS]})

    assert verdict.outcome == "within"
    assert (verdict.before_ns, verdict.after_ns, verdict.ratio) == (MS, MS, pytest.approx(1.0))
    assert (verdict.over, verdict.repeats, verdict.runs) == (2, 3, 3)


def test_over_the_floor_it_is_over() -> None:
    """25 % where the baseline runs are alike."""
    assert verdict_of([{"work": MS}] * 3, {"work": [1_240_000]}).outcome == "within"
    verdict = verdict_of([{"work": MS}] * 3, {"work": [1_260_000]})
    assert (verdict.outcome, verdict.cut, verdict.cut_from) == ("over", 1.25, "floor")
    assert verdict.added_ns == 260_000


def test_the_baseline_runs_widen_the_limit_by_their_spread() -> None:
    """Four times what each differs from the others."""
    past = [{"work": round(MS * one)} for one in (0.9, 1.0, 1.1)]

    verdict = verdict_of(past, {"work": [1_400_000]})

    assert (verdict.outcome, verdict.cut_from) == ("within", "spread")
    assert verdict.cut == pytest.approx(1 + 4 * verdict.spread)
    assert 1.4 < verdict.cut < 1.6


def test_a_path_that_varies_too_much_is_not_gated() -> None:
    """Its own limit would be over twice its time; what is far over even that is no noise."""
    past = [{"work": round(MS * one)} for one in (0.6, 1.0, 1.6)]

    verdict = verdict_of(past, {"work": [9 * MS]})

    assert verdict.outcome == "noisy"
    assert verdict.reason == "it varies too much in the baseline runs"
    far = verdict.cut**2 * MS
    assert verdict_of(past, {"work": [round(far * 0.99)]}).outcome == "noisy"
    assert verdict_of(past, {"work": [round(far * 1.01)]}).outcome == "over"


def test_less_than_50_microseconds_more_is_a_note() -> None:
    """However many times it is."""
    assert verdict_of([{"work": 30_000}] * 3, {"work": [79_000]}).outcome == "small"
    assert verdict_of([{"work": 30_000}] * 3, {"work": [81_000]}).outcome == "over"


def test_a_short_path_is_compared_by_the_grain_of_clocks() -> None:
    """From 1 to 3 microseconds and back is no noise that hides a slowdown."""
    past = [{"work": ns} for ns in (1_000, 3_000, 0, 2_000)]

    assert verdict_of(past, {"work": [5_000]}).outcome == "within"
    assert verdict_of(past, {"work": [400_000]}).outcome == "over"


def test_a_slower_machine_is_divided_out() -> None:
    """Six other paths say how much slower it is; the baseline has runs of both kinds."""
    past = [{"work": round(MS * one), **others(one)} for one in (1.0, 2.0, 1.5)]
    now = {"work": [3 * MS], **repeated(others(3.0))}

    verdict = verdict_of(past, now)
    assert (verdict.outcome, verdict.basis, verdict.paths) == ("within", "paths", 6)
    assert verdict.ratio == pytest.approx(1.0)
    assert verdict.factor == pytest.approx(2.0)  # against the middle of the baseline

    assert verdict_of(past, {**now, "work": [6 * MS]}).ratio == pytest.approx(2.0)


def test_a_wait_is_not_divided() -> None:
    """It takes as long on every machine, as the baseline runs show."""
    past = [{"work": 50 * MS, **others(one)} for one in (1.0, 2.0, 1.0)]
    now = {"work": [50 * MS], **repeated(others(0.5))}

    verdict = verdict_of(past, now)
    assert (verdict.outcome, verdict.basis) == ("within", "raw")
    assert verdict.factor == pytest.approx(0.5)
    assert verdict_of(past, {**now, "work": [100 * MS]}).outcome == "over"


def test_where_the_baseline_cannot_tell_a_wait_from_work_both_have_to_be_over() -> None:
    """All its runs are of one machine: neither a faster nor a slower one makes an alarm."""
    past = [{"work": 50 * MS, **others()}] * 3

    assert verdict_of(past, {"work": [50 * MS], **repeated(others(0.5))}).outcome == "within"
    assert verdict_of(past, {"work": [100 * MS], **repeated(others(2.0))}).outcome == "within"
    assert verdict_of(past, {"work": [100 * MS], **repeated(others(1.1))}).outcome == "over"


def test_with_few_paths_the_calibration_loop_says_how_fast_the_machine_is() -> None:
    """Fewer than six others are too few."""
    past = [{"work": round(MS * one), "other": 9 * MS} for one in (1.0, 2.0, 1.0)]
    figures: list[int | None] = [1_000, 2_000, 1_000, 3_000]

    verdict = verdict_of(past, {"work": [3 * MS], "other": [9 * MS]}, calibrations=figures)
    assert (verdict.outcome, verdict.basis, verdict.paths) == ("within", "calibration", 0)
    assert verdict.factor == pytest.approx(3.0)

    slower = verdict_of(past, {"work": [6 * MS], "other": [9 * MS]}, calibrations=figures)
    assert (slower.outcome, slower.ratio) == ("over", pytest.approx(2.0))


def test_figures_are_of_the_runs_that_were_compared() -> None:
    """A run that says nothing of its machine is none of them."""
    past = [{"work": round(MS * one)} for one in (1.0, 2.0, 1.0, 50.0)]
    figures: list[int | None] = [1_000, 2_000, 1_000, None, 1_000]

    found = verdict_of(past, {"work": [2 * MS]}, calibrations=figures)

    assert (found.basis, found.before_ns, found.runs) == ("calibration", MS, 3)
    assert (found.ratio, found.outcome) == (pytest.approx(2.0), "over")


def test_the_calibration_loop_is_that_of_the_test() -> None:
    """It is no path itself, neither to be judged nor among the others; that of others is theirs."""
    spans = {("test", ("work",)): MS, ("test", CALIBRATION): MS, ("else", ("work",)): 9 * MS}
    past = [Past({one: round(by * ns) for one, ns in spans.items()}) for by in (1.0, 2.0, 1.0)]
    now = Present({one: [3 * ns] for one, ns in spans.items()})

    verdicts = judge(past, now)

    assert set(verdicts) == {("test", ("work",)), ("else", ("work",))}
    mine, other = verdicts.values()
    assert (mine.basis, mine.outcome, mine.factor) == ("calibration", "within", pytest.approx(3.0))
    assert other.basis == "raw"


def test_the_calibration_loop_is_none_of_six_other_paths() -> None:
    """It counts where there are fewer."""
    loops = {(f"test {i}", CALIBRATION): MS for i in range(9)}
    past = [Past({key("work"): MS, **loops})] * 3
    now = Present({key("work"): [2 * MS], **{one: [2 * MS] for one in loops}})

    assert judge(past, now)[key("work")].basis == "raw"


def test_where_most_paths_wait_the_calibration_loop_knows_better() -> None:
    """What is common to waits is no speed: the baseline runs show by which of the two they vary."""
    speeds = (1.0, 2.0, 1.4, 1.0, 1.7)
    past = [{"work": round(MS * one), **others()} for one in speeds]
    figures: list[int | None] = [round(1_000 * one) for one in (*speeds, 1.0)]

    found = verdict_of(past, {"work": [2 * MS], **repeated(others())}, calibrations=figures)

    assert (found.outcome, found.basis) == ("over", "calibration")
    assert found.ratio == pytest.approx(2.0)


def test_what_is_over_by_one_of_two_ways_to_look_is_looked_at_again() -> None:
    """Whether this run is slow as a whole, more repeats say best."""
    past = [{"work": MS, **others()}] * 5

    slow_machine = verdict_of(past, {"work": [2 * MS], **repeated(others(2.0))})
    assert (slow_machine.outcome, slow_machine.basis, slow_machine.looks_over) == (
        "within", "paths", True
    )  # fmt: skip
    assert not verdict_of(past, {"work": [MS], **repeated(others())}).looks_over
    assert verdict_of(past, {"work": [2 * MS], **repeated(others())}).looks_over


@pytest.mark.parametrize(
    ("least", "took_ns", "repeats"),
    [(5, 0, 15), (5, 10**9, 5), (1, 0, 3), (10, 0, 30), (20, 0, 30), (40, 0, 40), (40, 10**9, 40)],
)
def test_a_baseline_run_of_a_short_test_has_more_repeats(
    least: int, took_ns: int, repeats: int
) -> None:
    """Up to three times as many, and not more than a test that is judged may have."""
    assert is_recorded(repeats, least, took_ns)
    assert not is_recorded(repeats - 1, least, took_ns)


def test_without_paths_and_calibration_durations_are_compared_as_they_are() -> None:
    """Two calibrations are too few, too."""
    past = [{"work": MS}] * 3

    verdict = verdict_of(past, {"work": [2 * MS]}, calibrations=[1_000, None, 1_000, 2_000])

    assert (verdict.outcome, verdict.basis, verdict.factor) == ("over", "raw", 1.0)


@pytest.mark.parametrize(
    ("past", "present", "reason"),
    [
        ([], {"work": [MS]}, "there is no baseline"),
        ([{"other": MS}] * 3, {"work": [MS]}, "it is in no run of the baseline"),
        ([{"work": MS}, {}, {}], {"work": [MS]}, "only 1 run of the baseline knows it, a verdict takes 3"),
        ([{"work": MS}] * 2, {"work": [MS]}, "only 2 runs of the baseline know it, a verdict takes 3"),
        ([{"work": MS}] * 3, {"work": []}, "it did not run"),
        ([{"work": MS}] * 3, {}, "it did not run"),
    ],
)  # fmt: skip
def test_too_little_is_no_verdict(
    past: list[dict[str, int]], present: dict[str, list[int]], reason: str
) -> None:
    """And it is said what is too little."""
    verdict = verdict_of(past, present)

    assert (verdict.outcome, verdict.reason) == ("undecided", reason)


def test_all_paths_are_judged_unless_some_are_named() -> None:
    """Each by all others."""
    past = [Past({key(name): ns for name, ns in others().items()})] * 3
    present = Present({key(name): [ns] for name, ns in others().items()})

    assert list(judge(past, present)) == [key(name) for name in others()]


@pytest.mark.parametrize(
    ("repeats", "first", "stage"),
    [(0, 5, 5), (5, 5, 10), (6, 5, 10), (10, 5, 30), (30, 5, None), (1, 1, 5), (5, 50, 10), (30, 50, 50)],
)  # fmt: skip
def test_more_repeats_come_in_stages(repeats: int, first: int, stage: int | None) -> None:
    """Five, ten, thirty; and as many as the settings say."""
    assert next_stage(repeats, first) == stage
