"""What is told of a contact where it is kept for ever: enough to know which one it was, and not who it is."""


def masked_email(email: str) -> str:
    """`mia@harbour.example` as `m…@harbour.example`."""
    mailbox, _, host = email.rpartition("@")
    return f"{mailbox[:1]}…@{host}"


def initials(name: str) -> str:
    """`Mia Lang` as `M. L.`"""
    return " ".join(f"{word[0].upper()}." for word in name.split())
