"""The knobs of routing: none but its database. What operators tune (caps, territories, the switch) is data."""

from pydantic import SecretStr

from chassis.settings import ServiceSettings, database_url_field


class Settings(ServiceSettings):
    database_url: SecretStr = database_url_field("routing")
