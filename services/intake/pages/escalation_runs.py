"""What a policy would have done, drawn: by step, a bar a day, and the first of it as rows."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID

from chassis.console.cells import Kind, Shown
from chassis.console.charts import Bar, Charts, draw
from chassis.console.documents import Section, Table
from chassis.console.wording import counted
from services.intake.domain.escalation import Policy, SubjectKind
from services.intake.pages.escalation_words import told_minutes, told_step
from services.intake.queries.dry_runs import DRY_RUN, MOST_TOLD, DryRun

LEADS, FOLLOW_UPS = "/console/leads", "/console/follow-ups"


def sections_of(policy: Policy, run: DryRun, names: Mapping[UUID, str], today: date, path: str) -> Sequence[Section]:
    """`names` are of operators; `path` is the page on which it stands."""
    return (_steps(policy, run, names), _days(run, today, path), _firings(policy, run))


def _steps(policy: Policy, run: DryRun, names: Mapping[UUID, str]) -> Table:
    done = f"{counted(run.total, 'time', 'times')} to {counted(len(run.leads), 'lead', 'leads')}"
    return Table(
        "What it would have done in the last 30 days",
        (("After", Kind.TEXT), ("What happens", Kind.TEXT), ("Would have happened", Kind.NUMBER)),
        [
            (told_minutes(step.after_minutes), told_step(step, names), Shown(number, Kind.NUMBER))
            for step, number in zip(policy.steps, run.by_step, strict=True)
        ],
        note=f"Had it been on, it would have done something {done}. Owners are those of today, and a follow-up's due "
        "time is its last one.",
    )


def _days(run: DryRun, today: date, path: str) -> Charts:
    days = [today - timedelta(days=ago) for ago in range(DRY_RUN.days + 1)]
    bars = [
        Bar(f"{day:%a} {day.day} {day:%b}", run.by_day[day], f"{run.by_day[day]:,}", path)
        for day in days
        if run.by_day[day]
    ]
    drawing = draw("What would have happened", "Of the last 30 days those on which something would have", bars)
    return Charts("By day", (drawing,))


def _firings(policy: Policy, run: DryRun) -> Table:
    is_lead = policy.subject is SubjectKind.LEAD
    root = LEADS if is_lead else FOLLOW_UPS
    return Table(
        f"The first {MOST_TOLD} of it" if run.total > MOST_TOLD else "Each of it",
        (("Lead", Kind.TEXT), ("When", Kind.INSTANT), ("Step", Kind.TEXT)),
        [
            (
                Shown(each.lead_name, path=f"{root}/{each.subject_id}"),
                Shown(each.at, Kind.INSTANT),
                told_minutes(policy.steps[each.step_no - 1].after_minutes),
            )
            for each in run.told
        ],
        empty="Nothing waited so long.",
    )
