from common import *
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, ResourceType

client = admin()


def outcome(future):
    try:
        return future.result(DEADLINE)
    except KafkaException as error:
        return error.args[0].name()


topic = new_topic("admin", partitions=3, config={"retention.ms": "3600000"})
described = client.list_topics(timeout=DEADLINE)
check("a created topic is in the metadata", len(described.topics[topic].partitions) == 3)
check("the cluster has a leader for each partition", all(
    p.leader in described.brokers for p in described.topics[topic].partitions.values()))
again = client.create_topics([NewTopic(topic, 1, 1)])[topic]
check("the same name again", outcome(again) == "TOPIC_ALREADY_EXISTS")
for name in ("bad name", "", "..", "x" * 250, "bad/name"):
    result = outcome(client.create_topics([NewTopic(name, 1, 1)])[name])
    check(f"a bad name of {len(name)} characters", result in ("TOPIC_EXCEPTION", "_INVALID_ARG", "INVALID_TOPIC"), result)
check("no partitions", outcome(client.create_topics([NewTopic(topic + "0", 0, 1)])[topic + "0"]) == "INVALID_PARTITIONS")
check("too many replicas",
      outcome(client.create_topics([NewTopic(topic + "r", 1, 99)])[topic + "r"]) == "INVALID_REPLICATION_FACTOR")
bad = NewTopic(topic + "c", 1, 1, config={"there.is.none.such": "1"})
check("an unknown setting", outcome(client.create_topics([bad])[topic + "c"]) == "INVALID_CONFIG")
dry = client.create_topics([NewTopic(topic + "v", 1, 1)], validate_only=True)[topic + "v"]
check("validation alone", outcome(dry) is None)
check("creates nothing", topic + "v" not in client.list_topics(timeout=DEADLINE).topics)

resource = ConfigResource(ResourceType.TOPIC, topic)
settings = client.describe_configs([resource])[resource].result(DEADLINE)
check("settings are described", settings["retention.ms"].value == "3600000", settings["retention.ms"])
check("with defaults", settings["cleanup.policy"].value == "delete" and settings["cleanup.policy"].is_default)
change = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[
    ConfigEntry("max.message.bytes", "2000", incremental_operation=AlterConfigOpType.SET),
    ConfigEntry("retention.ms", None, incremental_operation=AlterConfigOpType.DELETE)])
client.incremental_alter_configs([change])[change].result(DEADLINE)
settings = client.describe_configs([resource])[resource].result(DEADLINE)
check("settings change", settings["max.message.bytes"].value == "2000")
check("and go back", settings["retention.ms"].value == "604800000", settings["retention.ms"].value)
reports = send(producer(), topic, [{"value": b"x" * 3000}])
check("and are kept to", reports[0][0].name() == "MSG_SIZE_TOO_LARGE", reports[0][0])

client.create_partitions([NewPartitions(topic, 5)])[topic].result(DEADLINE)
check("partitions grow", eventually(lambda: len(client.list_topics(topic, timeout=DEADLINE).topics[topic].partitions) == 5))
check("and never shrink", outcome(client.create_partitions([NewPartitions(topic, 2)])[topic]) == "INVALID_PARTITIONS")

client.delete_topics([topic])[topic].result(DEADLINE)
check("a deleted topic is gone", eventually(lambda: topic not in client.list_topics(timeout=DEADLINE).topics))
check("and unknown", outcome(client.delete_topics([topic])[topic]) in ("UNKNOWN_TOPIC_OR_PART", "UNKNOWN_TOPIC_OR_PARTITION"))
cluster = client.describe_cluster().result(DEADLINE)
check("the cluster is described", len(cluster.nodes) >= 1 and cluster.cluster_id)
