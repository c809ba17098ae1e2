"""The people of the demonstration: nobody is anybody else, or the rules for doubles would find them."""

import pytest

from contracts.phones import e164
from deploy.local.demo.people import NUMBERS, Crowd, TooManyPeople


class TestCrowd:
    def test_has_a_phone_an_address_and_a_house_for_each(self) -> None:
        people = list(Crowd(2_026).people(NUMBERS - 1))
        for told in (
            {e164(person.phone) for person in people},
            {person.email for person in people},
            {person.street for person in people},
        ):
            assert len(told) == len(people)

    def test_is_the_same_at_every_run(self) -> None:
        assert list(Crowd(7).people(50)) == list(Crowd(7).people(50)) != list(Crowd(8).people(50))

    def test_says_when_there_is_no_number_left(self) -> None:
        crowd = Crowd(1)
        list(crowd.people(NUMBERS - 1))
        with pytest.raises(TooManyPeople):
            crowd.person()
