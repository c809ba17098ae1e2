"""Why something is done, as the forms ask for it: it stands in the audit, and so in the timeline."""

from dataclasses import replace

from chassis.console.fields import FieldKind, FormField
from services.billing.http.fields import Note

Reason = Note
REASON = FormField("reason", "Reason", FieldKind.PROSE, is_required=True, hint="Stands in the timeline", longest=1000)
IF_GIVEN = replace(REASON, is_required=False)
