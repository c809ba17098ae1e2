"""HTML for operators, over the same commands and queries as the JSON routes. Templates stand beside their room."""

from services.identity.pages import account, enrolment, invitations, operator, operators

LISTINGS = (operators.LISTING,)
ROUTES = (*operators.ROUTES, *invitations.ROUTES, *operator.ROUTES, *enrolment.ROUTES, *account.ROUTES)
