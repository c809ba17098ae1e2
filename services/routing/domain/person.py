"""The person behind a lead, as far as routing knows them: by name, or sealed under a key that it need not have."""

from typing import NamedTuple

from contracts.values import LeadContact, SealedContact


class Person(NamedTuple):
    """One of the two is there."""

    contact: LeadContact | None
    sealed_contact: SealedContact | None

    @classmethod
    def of(cls, contact: LeadContact | None, sealed_contact: SealedContact | None) -> "Person | None":
        """None once they were erased. Where both are told, the sealed one is passed on alone."""
        if sealed_contact is not None:
            return cls(None, sealed_contact)
        return cls(contact, None) if contact is not None else None

    @property
    def columns(self) -> dict[str, str | None]:
        plain = self.contact.model_dump() if self.contact else dict.fromkeys(LeadContact.model_fields)
        return {**plain, "sealed_contact": self.sealed_contact}
