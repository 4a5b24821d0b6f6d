"""Generates the personal fields that the data set lacks. The same client always becomes the same person.

The fields are made up, and `Person.generated` names each of them, so that none is ever taken for reported data.
"""

from dataclasses import dataclass
from datetime import date
from random import Random

from faker import Faker

from guanxi_sandbox.berka import Client, Sex
from guanxi_sandbox.shift import Shift

GENERATED_FIELDS = ("name", "identity_number", "phone", "email", "address")

# County codes that have been in force, unbounded, in any year of birth here (GB/T 2260).
_COUNTIES = ("110101", "110105", "110108", "310104", "310105", "310110")
# ISO 7064 MOD 11-2, as GB 11643-1999 uses it.
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"


@dataclass(frozen=True, slots=True)
class Person:
    """A client with a face. Birth date (shifted like every date, so the age stays true) and sex are the data set's."""

    client_id: int
    name: str
    sex: Sex
    birth_date: date
    identity_number: str
    phone: str
    email: str
    address: str
    generated: tuple[str, ...] = GENERATED_FIELDS


class People:
    """Makes persons; holds one Faker, for building one is slow. Not for several threads."""

    def __init__(self, shift: Shift) -> None:
        self._shift = shift
        self._faker = Faker("zh_CN")

    def person(self, client: Client) -> Person:
        """The person of a client, a pure function of the client, the shift, and the version of Faker in the lock."""
        faker = self._faker
        faker.seed_instance(client.client_id)
        birth_date = self._shift.apply(client.birth_date)
        return Person(
            client_id=client.client_id,
            name=faker.name_female() if client.sex == "female" else faker.name_male(),
            sex=client.sex,
            birth_date=birth_date,
            identity_number=_identity_number(faker.random, client, birth_date),
            phone=f"+86{faker.phone_number()}",
            email=f"client-{client.client_id}@example.com",  # RFC 2606: delivered to nobody
            address=faker.address(),
        )


def _identity_number(random: Random, client: Client, birth_date: date) -> str:
    """A resident identity number that fits birth date and sex: the sequence is odd for men, even for women."""
    sequence = (client.client_id * 2 + (client.sex == "male")) % 1000
    body = f"{random.choice(_COUNTIES)}{birth_date:%Y%m%d}{sequence:03d}"
    return body + check_digit(body)


def check_digit(body: str) -> str:
    """The last character of an identity number whose first seventeen digits are `body` (ISO 7064 MOD 11-2)."""
    return _CHECK_DIGITS[sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, body, strict=True)) % 11]
