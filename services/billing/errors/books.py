"""What is refused of the journal."""

from chassis.errors import NotFound


class PostingNotFound(NotFound):
    code = "posting_not_found"
    title = "No such posting"
