"""Own broker only: SASL over TLS. Arguments: brokers, certificate, user, password."""

import os

from common import *

CERTIFICATE, USER, PASSWORD = sys.argv[2:5]
topic = f"secure-{uuid.uuid4().hex[:8]}"


def attempt(**settings):
    client = AdminClient({"bootstrap.servers": BROKERS, "socket.timeout.ms": 2000, **dotted(settings)})
    try:
        client.list_topics(timeout=2)
    except KafkaException:
        return False
    large = os.urandom(300_000)
    reports = send(producer(**settings), topic, [{"value": large}])
    return reports[0][0] is None and values(topic, **settings)[-1] == large


tls = {"ssl_ca_location": CERTIFICATE}
for mechanism in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"):
    sasl = {"security_protocol": "SASL_SSL", "sasl_mechanism": mechanism, "sasl_username": USER, **tls}
    check(f"{mechanism} with the right password", attempt(sasl_password=PASSWORD, **sasl))
    check(f"{mechanism} with a wrong one", not attempt(sasl_password="wrong", **sasl))
check("TLS without a name", not attempt(security_protocol="SSL", **tls))
check("neither", not attempt())
