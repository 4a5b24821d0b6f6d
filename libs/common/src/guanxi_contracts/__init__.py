"""The contracts between the services and with the outside: topics, JSON Schemas, examples, and the codec of the wire form.

- `topics/<topic>.yaml`: what a topic is for, who writes it, who reads what in it, how long it is kept.
- `schemas/<noun>.<verb>.v1.json`: JSON Schema 2020-12 of the `data` of type `guanxi.<noun>.<verb>.v1`. Objects are open:
  a reader accepts fields that it does not know, so that a field can be added. A producer's model is closed and may use only
  the fields of the schema (`tests/contract/test_domain_events.py`).
- `examples/<noun>.<verb>.v1/*.json`: `typical` with every field, `minimal` with the required ones.

Imports of `guanxi_common` are limited to `messaging.envelope` and `messaging.bus`.
"""
