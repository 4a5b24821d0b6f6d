"""The operator's command about Kafka; `cli` lists it."""

from typing import Annotated

import typer

from guanxi_common.messaging.kafka.rights import commands


def kafka_acls(
    bootstrap_servers: Annotated[str, typer.Option(help="The brokers, as kafka-acls.sh is to reach them.")] = "$BOOTSTRAP",
    command_config: Annotated[str, typer.Option(help="The properties with an administrator's credentials.")] = "admin.properties",
) -> None:
    """Print the kafka-acls.sh commands that let each service write and read its own topics, and no others."""
    for line in commands(bootstrap_servers, command_config):
        typer.echo(line)
