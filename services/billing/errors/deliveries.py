"""What is refused of deliveries, above all of those that came late."""

from chassis.errors import Invalid, NotFound, Refusal


class DeliveryNotFound(NotFound):
    code = "delivery_not_found"
    title = "No such delivery"


class DeliveryIsBilled(Refusal):
    code = "delivery_is_billed"
    title = "The delivery is billed"


class DeliveriesMissing(Invalid):
    code = "deliveries_missing"
    title = "The deliveries have to be named"


class DeliveriesNotExpected(Invalid):
    code = "deliveries_not_expected"
    title = "No deliveries are named here"


class DeliveriesNotLate(Refusal):
    """Each one that cannot be charged is named in `errors` with its reason."""

    code = "deliveries_not_late"
    title = "Not deliveries that the invoice went without"


class DeliveriesCostNothing(Refusal):
    code = "deliveries_cost_nothing"
    title = "There is nothing to charge"
