"""The knobs of routing. What operators tune (caps, territories, policies, the switch) is data."""

from pydantic import Field, SecretStr

from chassis.settings import ServiceSettings, database_url_field


class Settings(ServiceSettings):
    database_url: SecretStr = database_url_field("routing")
    simulation_tries: int = Field(
        2,
        ge=1,
        le=10,
        validation_alias="SIMULATION_TRIES",
        description="how often a simulation is begun before it is given up",
    )
