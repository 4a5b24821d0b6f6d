"""Generated people: valid, fitting the data, and the same every time."""

import phonenumbers
import pytest
from guanxi_sandbox.people import GENERATED_FIELDS, People, Person, check_digit
from guanxi_sandbox.shift import Shift
from stdnum.cn import ric


@pytest.fixture(scope="module")
def persons(berka) -> list[Person]:
    people = People(Shift(1_703))
    return [people.person(client) for client in berka.clients.values()]


def test_same_client_same_person(berka, persons):
    again = People(Shift(1_703))
    backwards = [again.person(client) for client in reversed(berka.clients.values())]
    assert backwards[::-1] == persons


def test_identity_number_is_valid_and_tells_birth_date_and_sex(persons):
    for person in persons:
        assert ric.is_valid(person.identity_number)
        assert ric.get_birth_date(person.identity_number) == person.birth_date
        assert (int(person.identity_number[16]) % 2 == 1) == (person.sex == "male")


def test_check_digit_of_the_standards_example():
    assert check_digit("11010519491231002") == "X"  # GB 11643-1999


def test_without_shift_the_birth_date_is_the_published_one(berka):
    client = berka.clients[2]
    assert People(Shift()).person(client).birth_date == client.birth_date


def test_phones_are_valid_chinese_mobiles(persons):
    for person in persons:
        number = phonenumbers.parse(person.phone)
        assert phonenumbers.is_valid_number(number)
        assert phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE
        assert phonenumbers.region_code_for_number(number) == "CN"


def test_nobody_shares_an_identity_number_or_phone(persons):
    assert len({person.identity_number for person in persons}) == len(persons)
    assert len({person.phone for person in persons}) == len(persons)


def test_every_made_up_field_is_marked(persons):
    assert all(person.generated == GENERATED_FIELDS and person.name and person.address for person in persons)
    assert all(person.email.endswith("@example.com") for person in persons)
