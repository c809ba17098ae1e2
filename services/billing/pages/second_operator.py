"""What every room in which a second operator has to agree asks of them, and says where they may not."""

from chassis.console import Form
from chassis.console.fields import FieldKind, FormField
from services.billing.http.fields import Note

ANOTHER = "Another operator who may move money has to agree"
NOTES = FormField("notes", "Notes", FieldKind.PROSE, hint="Stand in the timeline", longest=1000)
WHY = FormField("notes", "Why", FieldKind.PROSE, is_required=True, hint="Stands in the timeline", longest=1000)


class ApproveForm(Form):
    notes: Note | None = None


class WhyForm(Form):
    """A page asks why, so that who asked for it need not."""

    notes: Note
