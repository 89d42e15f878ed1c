"""Own broker only: SASL over TLS. Arguments: brokers, certificate, user, password."""

from common import *

CERTIFICATE, USER, PASSWORD = sys.argv[2:5]
topic = f"secure-{uuid.uuid4().hex[:8]}"


def attempt(**settings):
    client = producer(message_timeout_ms=4000, socket_timeout_ms=2000, **settings)
    seen = []
    client.produce(topic, b"x" * 100_000, on_delivery=lambda e, m: seen.append(e))
    client.flush(10)
    return seen == [None]


tls = {"ssl_ca_location": CERTIFICATE}
for mechanism in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"):
    sasl = {"security_protocol": "SASL_SSL", "sasl_mechanism": mechanism, "sasl_username": USER, **tls}
    check(f"{mechanism} with the right password", attempt(sasl_password=PASSWORD, **sasl))
    check(f"{mechanism} with a wrong one", not attempt(sasl_password="wrong", **sasl))
check("TLS without a name", not attempt(security_protocol="SSL", **tls))
check("neither", not attempt())
