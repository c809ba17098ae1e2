"""What routing tells the pages that span all services: what it finds, what waits there, how dispatch stands."""

from chassis.console.bulk.failures import failed_rows
from chassis.console.desk import Desk
from services.routing.pages import channels, desk_delivery, desk_installers, desk_queue, desk_returns
from services.routing.pages.about import ABOUT
from services.routing.pages.subjects import DOORS

DESK = Desk(
    about=ABOUT,
    doors=DOORS,
    finders=(
        *desk_installers.FINDERS,
        *desk_delivery.FINDERS,
        *desk_queue.FINDERS,
        *desk_returns.FINDERS,
    ),
    waiting=(
        *desk_queue.WAITING,
        *desk_delivery.WAITING,
        *desk_returns.WAITING,
        *channels.WAITING,
        *desk_installers.WAITING,
        failed_rows("routing"),
    ),
    cards=(
        *desk_queue.CARDS,
        *desk_delivery.CARDS,
        *desk_returns.CARDS,
        *desk_installers.CARDS,
    ),
    charts=(
        *desk_queue.CHARTS,
        *desk_delivery.CHARTS,
        *desk_returns.CHARTS,
    ),
)
