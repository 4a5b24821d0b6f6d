"""Rules of `docs/asvs.json` that stand in the source as a whole, in `deploy/`, or in the documents: each is broken in turn."""

from typing import Final

from tests.mutants.rules import HOUSE, Rule

_COMMON: Final = "libs/common/src/guanxi_common"
_SOURCE: Final = "tests/contract/test_source.py"
_PROXY: Final = "tests/contract/test_proxy.py"
_NGINX: Final = "deploy/nginx/nginx.conf"


def _house(name: str, file: str, text: str, without: str, test: str) -> Rule:
    return Rule(name, file, text, without, test, package=HOUSE)


ASVS_HOUSE_RULES: Final = (
    _house(
        "what the proxy writes into JSON is of safe characters",
        _NGINX,
        '"~^[A-Za-z0-9._-]{1,64}$" $http',
        '"~." $http',
        f"{_PROXY}::test_a_path_goes_to_its_service",
    ),
    _house(
        "a query takes its values as parameters",
        f"{_COMMON}/erasure/registry.py",
        '        "SELECT customer_id FROM erased_customer WHERE customer_id = ANY($1::uuid[])", list(customer_ids)\n',
        "        f\"SELECT customer_id FROM erased_customer WHERE customer_id = '{customer_ids[0]}'\"\n",
        f"{_SOURCE}::test_every_statement_that_is_put_together_says_of_what",
    ),
    _house(
        "no program is started by a shell",
        f"{_COMMON}/backup/programs.py",
        "partial(subprocess.run, command, ",
        "partial(subprocess.run, command, shell=True, ",
        f"{_SOURCE}::test_nothing_runs_what_it_reads",
    ),
    _house(
        "no pattern takes exponential time",
        f"{_COMMON}/http/authentication.py",
        '([A-Za-z0-9._~+/=-]+)"',
        '(([A-Za-z0-9._~+/=-]+)+)"',
        f"{_SOURCE}::test_no_pattern_comes_from_a_caller_or_takes_exponential_time",
    ),
    _house(
        "no code is made of data",
        f"{_COMMON}/security/jwks.py",
        'json.loads(document)["keys"]',
        'eval(document)["keys"]',
        f"{_SOURCE}::test_nothing_runs_what_it_reads",
    ),
    _house(
        "no markup of users is read",
        f"{_COMMON}/http/health.py",
        '    text = escape(getdoc(kind) or "")',
        '    from markdown import markdown\n\n    text = escape(getdoc(kind) or "")',
        f"{_SOURCE}::test_no_interpreter_of_another_language_is_at_hand",
    ),
    _house(
        "no template is interpreted",
        f"{_COMMON}/http/health.py",
        "    return HTMLResponse(\n",
        "    from jinja2 import Template\n\n    return HTMLResponse(\n",
        f"{_SOURCE}::test_no_interpreter_of_another_language_is_at_hand",
    ),
    _house(
        "what is filled in is a text of ours",
        f"{_COMMON}/http/health.py",
        'titles = f"{escape(kind.title.en)} · {escape(kind.title.zh)}"',
        "titles = kind.title.en.format(kind=kind)",
        f"{_SOURCE}::test_only_texts_of_ours_are_filled_in",
    ),
    _house(
        "nothing leaves the memory-safe language",
        f"{_COMMON}/db/embedded.py",
        "import fcntl\nimport os\n",
        "import ctypes\nimport fcntl\nimport os\n",
        f"{_SOURCE}::test_nothing_runs_what_it_reads",
    ),
    _house(
        "no XML is parsed",
        f"{_COMMON}/http/bodies.py",
        "import json\nimport math\n",
        "import json\nimport math\nimport xml.etree.ElementTree\n",
        f"{_SOURCE}::test_no_interpreter_of_another_language_is_at_hand",
    ),
    _house(
        "answers say that they come over TLS alone",
        _NGINX,
        "themselves.\n        add_header Strict-Transport-Security ",
        "themselves.\n        add_header X-Left-Out ",
        f"{_PROXY}::test_a_path_goes_to_its_service",
    ),
    _house(
        "an address is believed from a listed balancer alone",
        _NGINX,
        "    include /etc/nginx/trusted-proxies.conf*;",
        "    set_real_ip_from 0.0.0.0/0;\n    include /etc/nginx/trusted-proxies.conf*;",
        f"{_PROXY}::test_a_client_has_a_rate_whatever_addresses_it_claims",
    ),
    _house(
        "the documents name one way to authenticate",
        "docs/api/scoring-svc.json",
        '"scheme": "bearer"',
        '"scheme": "basic"',
        "tests/contract/test_openapi.py::test_there_is_one_way_to_authenticate_and_every_operation_names_it",
    ),
    _house(
        "every use of cryptography stands in the list",
        "docs/guides/cryptography.md",
        "| `guanxi_common/security/sm4` | ",
        "| ",
        f"{_SOURCE}::test_every_use_of_cryptography_stands_in_the_inventory",
    ),
    _house(
        "keys are derived by a listed function alone",
        f"{_COMMON}/security/fields.py",
        "from cryptography.hazmat.primitives.kdf.hkdf import HKDF",
        "from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash as HKDF",
        f"{_SOURCE}::test_only_strong_primitives_are_used",
    ),
    _house(
        "no mode of a cipher shows repetitions",
        f"{_COMMON}/security/sm4.py",
        "from cryptography.hazmat.primitives.ciphers.modes import GCM",
        "from cryptography.hazmat.primitives.ciphers.modes import ECB, GCM",
        f"{_SOURCE}::test_only_strong_primitives_are_used",
    ),
    _house(
        "no broken hash protects anything",
        f"{_COMMON}/security/audit/merkle.py",
        "from hashlib import sha256",
        "from hashlib import sha1 as sha256",
        f"{_SOURCE}::test_only_strong_primitives_are_used",
    ),
    _house(
        "every connection stands in the guide",
        "docs/guides/security.md",
        "| The issuer's keys | `GUANXI_JWKS`: https, or a file |\n",
        "",
        "tests/contract/test_security_guides.py::test_the_guide_names_every_connection",
    ),
    _house(
        "one module asks for addresses",
        f"{_COMMON}/security/tokens.py",
        "import json\nimport math\n",
        "import json\nimport math\nimport urllib.request\n",
        f"{_SOURCE}::test_addresses_are_asked_in_three_places_none_of_them_a_callers_choice",
    ),
    _house(
        "whoever answers is checked",
        f"{_COMMON}/http/client.py",
        "async with httpx.AsyncClient(timeout=timeout) as client",
        "async with httpx.AsyncClient(timeout=timeout, verify=False) as client",
        f"{_SOURCE}::test_every_peer_is_checked_and_no_redirect_followed",
    ),
    _house(
        "the image holds no repository",
        "deploy/Dockerfile.dockerignore",
        ".git\n.venv\n",
        ".venv\n",
        "tests/contract/test_deploy.py::test_the_image_holds_what_runs_and_runs_it_as_nobody_in_particular",
    ),
    _house(
        "what stands in no list stays inside",
        _NGINX,
        "        location / {\n            return 404;",
        "        location / {\n            proxy_pass http://customer;",
        f"{_PROXY}::test_what_is_no_ones_is_not_found_in_the_callers_language",
    ),
    _house(
        "no address holds what is personal",
        "docs/api/customer-svc.json",
        '"name": "family"',
        '"name": "phone"',
        "tests/contract/test_openapi.py::test_no_address_holds_what_is_personal_or_secret",
    ),
    _house(
        "every dependency is locked in one version",
        "requirements.txt",
        "\nalembic==",
        "\nalembic>=",
        "tests/contract/test_supply_chain.py::test_every_locked_version_has_its_hashes_and_no_address_of_its_own",
    ),
    _house(
        "a client is known behind its balancer",
        _NGINX,
        "    real_ip_header X-Forwarded-For;\n",
        "",
        f"{_PROXY}::test_behind_a_trusted_balancer_each_client_has_its_own_rate",
    ),
    _house(
        "every log stands in the guide",
        "docs/guides/security.md",
        "`GUANXI_OTLP_ENDPOINT`, `GUANXI_TRACE_SAMPLED_SHARE`",
        "`GUANXI_OTLP_ENDPOINT`",
        "tests/contract/test_security_guides.py::test_the_guide_names_whatever_sends_logs_somewhere",
    ),
)
