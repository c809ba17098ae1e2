"""Why a deed is done, in the operator's own words: the field of its form."""

from dataclasses import replace

from chassis.console.fields import FieldKind, FormField

REASON = FormField("reason", "Reason", FieldKind.PROSE, is_required=True, hint="Stands in the timeline", longest=1000)
WHY = replace(REASON, is_required=False)
"""Where a deed says enough by itself."""
