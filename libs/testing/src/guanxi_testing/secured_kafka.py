"""A real Kafka that speaks TLS, asks who its clients are and what they may do; certificates and passwords are made for it."""

from pathlib import Path
from string import Template
from typing import Final

from guanxi_common.messaging.kafka import KafkaSecurity

from guanxi_testing.certificates import Authority
from guanxi_testing.kafka import LocalKafka, deploy_folder

PASSWORD: Final = "not-a-secret"  # noqa: S105  # of a broker that lives for one test run
SERVICES: Final = ("customer-svc", "engagement-svc", "scoring-svc")


class SecuredKafka(LocalKafka):
    """Listeners: `mtls` (client certificates), `sasl` (passwords), `expired` and `stranger` (whose own certificates are wrong).

    `admin` is a super user; the services are known by SCRAM passwords and certificates, and may do nothing until told.
    """

    listeners = ("mtls", "controller", "sasl", "expired", "stranger")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._certificates = self.folder / "certificates"
        self.authority = Authority(self._certificates)
        self.authority.issue("broker")
        self.authority.issue("broker", expired=True)
        self.authority.issue("stranger", hosts=["kafka.another-bank.example"])

    def servers(self, listener: str) -> str:
        return f"127.0.0.1:{self._port(listener)}"

    def scram(self, name: str, password: str = PASSWORD) -> KafkaSecurity:
        return KafkaSecurity("SASL_SSL", "SCRAM-SHA-512", name, password, self.authority.ca_file)

    def _properties(self) -> str:
        template = Template((deploy_folder() / "secured.properties.template").read_text())
        ports = {f"{listener}_port": str(self._port(listener)) for listener in self.listeners}
        return template.substitute(ports, log_dir=self.folder / "data", certificates=self._certificates, password=PASSWORD)

    def _format_options(self) -> list[str]:
        return [f"--add-scram=SCRAM-SHA-512=[name={name},password={PASSWORD},iterations=4096]" for name in ("admin", *SERVICES)]
