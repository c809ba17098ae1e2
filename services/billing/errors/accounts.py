"""What is refused of accounts and their prices."""

from chassis.errors import NotFound, Refusal


class AccountNotFound(NotFound):
    code = "account_not_found"
    title = "No such account"


class StripeCustomerTaken(Refusal):
    code = "stripe_customer_taken"
    title = "The Stripe customer is another account's"


class ContactNotFound(NotFound):
    code = "billing_contact_not_found"
    title = "No such billing contact"


class ContactEmailTaken(Refusal):
    code = "billing_contact_email_taken"
    title = "Another contact of the account has this address"


class TooManyContacts(Refusal):
    code = "too_many_billing_contacts"
    title = "The account has as many billing contacts as it may have"


class PlanVersionExists(Refusal):
    """Two edits of one instant: the first one stands, the second is told."""

    code = "price_plan_version_exists"
    title = "There is a price plan version from this instant"
