internal import CLibRDKafka

/// How delivery goes on after a produce error: one decision for the whole of Godwit.
package struct Classification: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        /// Passes by itself: again after a pause, for ever, using up nobody's attempts.
        case retry
        /// The record is at fault: the same bytes are refused every time.
        case poison
        /// A right, a topic or a setting is missing: halt, say which, go on once it is fixed.
        case refused
        /// The producer instance has ended: a new one resumes behind the acknowledged prefix.
        case fatal
    }

    package let kind: Kind
    /// Why the code is in its class.
    package let reason: String
    /// What to do next, for the operator.
    package let advice: String
}

extension KafkaError.Code {
    /// The class of a code in answer to a produced record.
    package var classification: Classification {
        if self == .configuration {
            return Classification(
                kind: .refused, reason: "the client cannot start with these settings",
                advice: "Correct the named property.")
        }
        if self == .outdatedSecrets {
            return .fatal(
                "the client was made with secrets that are not valid any more", "The next client reads them again.")
        }
        switch rd_kafka_resp_err_t(rawValue) {
        case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__RESOLVE,
            RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION, RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR__UNKNOWN_BROKER, RD_KAFKA_RESP_ERR__NODE_UPDATE:
            return .retry(
                "no broker answers at the moment",
                "Delivery goes on by itself when a broker can be reached; check bootstrap servers and network.")
        case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH,
            RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH, RD_KAFKA_RESP_ERR_STALE_BROKER_EPOCH,
            RD_KAFKA_RESP_ERR_STALE_CTRL_EPOCH, RD_KAFKA_RESP_ERR_NOT_CONTROLLER,
            RD_KAFKA_RESP_ERR_LISTENER_NOT_FOUND, RD_KAFKA_RESP_ERR_PREFERRED_LEADER_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR_ELIGIBLE_LEADERS_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_REASSIGNMENT_IN_PROGRESS:
            return .retry(
                "the partition's leader moves", "Delivery goes on by itself when the partition has a leader again.")
        case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
            RD_KAFKA_RESP_ERR__ISR_INSUFF:
            return .retry(
                "fewer replicas are in sync than min.insync.replicas asks for",
                "Delivery goes on by itself when the replicas are back; look at the brokers' health.")
        case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE,
            RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, RD_KAFKA_RESP_ERR__WAIT_COORD, RD_KAFKA_RESP_ERR__WAIT_CACHE,
            RD_KAFKA_RESP_ERR__IN_PROGRESS, RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS, RD_KAFKA_RESP_ERR__INTR,
            RD_KAFKA_RESP_ERR__RETRY, RD_KAFKA_RESP_ERR__OUTDATED, RD_KAFKA_RESP_ERR__PARTIAL,
            RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED, RD_KAFKA_RESP_ERR__QUEUE_FULL:
            return .retry("the answer takes longer than the client waits", "Delivery goes on by itself.")
        case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR_NOT_COORDINATOR, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS,
            RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT:
            return .retry("the coordinator moves or is busy", "Delivery goes on by itself.")
        case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, RD_KAFKA_RESP_ERR_LOG_DIR_NOT_FOUND,
            RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE, RD_KAFKA_RESP_ERR__FS:
            return .retry(
                "a broker or this machine lacks disk, memory or files",
                "Delivery goes on by itself when the resource is back; look at the brokers' disks.")
        case RD_KAFKA_RESP_ERR_INVALID_MSG, RD_KAFKA_RESP_ERR__BAD_MSG, RD_KAFKA_RESP_ERR__UNDERFLOW,
            RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
            return .retry(
                "bytes were damaged on the way", "Delivery goes on by itself; if it does not, suspect the network.")
        case RD_KAFKA_RESP_ERR__PURGE_QUEUE, RD_KAFKA_RESP_ERR__PURGE_INFLIGHT, RD_KAFKA_RESP_ERR__DESTROY:
            return .retry("the run was ended before the record was acknowledged", "It is sent again by the next run.")

        case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
            return .poison(
                "the record is larger than the client or the topic allows",
                """
                Raise the smallest limit: the topic's max.message.bytes or, where they are set, kafka.max_record_bytes, and \
                message.max.bytes and queue.buffering.max.kbytes in kafka.properties.
                """)
        case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
            return .poison(
                "the record is larger than a segment of the topic's log",
                "Raise the topic's segment.bytes; max.message.bytes allows the record already.")
        case RD_KAFKA_RESP_ERR_INVALID_RECORD:
            return .poison(
                "the broker rejects the record's content",
                "Check that a compacted topic gets keys, and what the topic's settings ask of a record.")
        case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
            return .poison(
                "the record's time is outside of what the topic allows",
                """
                Raise the topic's message.timestamp.before.max.ms for a record that is too old, or \
                message.timestamp.after.max.ms for one that lies ahead (brokers before 3.6: \
                message.timestamp.difference.max.ms for both), or set its message.timestamp.type to LogAppendTime.
                """)
        case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
            return .poison("the topic's name is not legal", "Correct the route that builds the topic's name.")
        case RD_KAFKA_RESP_ERR__INVALID_ARG, RD_KAFKA_RESP_ERR__KEY_SERIALIZATION,
            RD_KAFKA_RESP_ERR__VALUE_SERIALIZATION, RD_KAFKA_RESP_ERR__INVALID_TYPE:
            return .poison("the client cannot encode the record", "Look at the event; it cannot become a record.")

        case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
            return .refused(
                "the right to write to the topic is missing", "Grant Write and Describe on the topic to the client.")
        case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
            return .refused(
                "the right to produce idempotently is missing",
                """
                Grant Write on the topic (brokers before 2.8: IdempotentWrite on the cluster); for creating topics, Create on \
                the cluster.
                """)
        case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
            return .refused(
                "the right to use the transactional id is missing", "Grant Write and Describe on the transactional id.")
        case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
            return .refused("the right to use the group is missing", "Grant Read on the group.")
        case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, RD_KAFKA_RESP_ERR__AUTHENTICATION,
            RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM, RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE,
            RD_KAFKA_RESP_ERR_SECURITY_DISABLED:
            return .refused(
                "the broker does not accept who we say we are",
                "Check kafka.sasl.mechanism, user name and password or token, and kafka.tls.")
        case RD_KAFKA_RESP_ERR__SSL:
            return .refused(
                "the TLS connection cannot be verified",
                "Check kafka.tls.ca_file, the broker's certificate and host name, and the client's certificate.")
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
            return .refused(
                "the topic or partition does not exist",
                """
                Create the topic, or have that done (kafka.topics.create), or grant Describe on it: without that right it \
                looks absent.
                """)
        case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
            return .refused(
                "the topic has fewer partitions than it had",
                """
                Delivery goes on by itself with the partitions there are; if nobody made the topic anew, ask why it has \
                fewer.
                """)
        case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
            return .refused(
                "a policy of the cluster forbids it", "Ask who runs the cluster what its policy asks for.")
        case RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS, RD_KAFKA_RESP_ERR_INVALID_CONFIG,
            RD_KAFKA_RESP_ERR_INVALID_PARTITIONS, RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR,
            RD_KAFKA_RESP_ERR_INVALID_REQUEST, RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS,
            RD_KAFKA_RESP_ERR_TOPIC_DELETION_DISABLED:
            return .refused("a setting does not fit the cluster", "Correct the setting that the message names.")
        case RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE:
            return .refused(
                "the broker does not know the compression",
                "Set compression.type in kafka.properties to one that the broker knows (zstd: Kafka 2.1).")
        case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION, RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE,
            RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT, RD_KAFKA_RESP_ERR__UNKNOWN_PROTOCOL,
            RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED:
            return .refused(
                "the broker or this client is too old for what is asked", "Kafka 0.11 or newer is needed.")

        case RD_KAFKA_RESP_ERR__FATAL, RD_KAFKA_RESP_ERR__GAPLESS_GUARANTEE, RD_KAFKA_RESP_ERR__INCONSISTENT,
            RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, RD_KAFKA_RESP_ERR_DUPLICATE_SEQUENCE_NUMBER,
            RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH,
            RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING:
            return .fatal(
                "the producer can no longer promise order without gaps",
                "A new producer resumes behind the acknowledged prefix; nothing is to be done.")
        case RD_KAFKA_RESP_ERR__FENCED, RD_KAFKA_RESP_ERR_PRODUCER_FENCED,
            RD_KAFKA_RESP_ERR_TRANSACTION_COORDINATOR_FENCED, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE:
            return .fatal(
                "another producer has taken over", "If no other relay was started on purpose, look for a second one.")
        case RD_KAFKA_RESP_ERR__STATE, RD_KAFKA_RESP_ERR__CONFLICT, RD_KAFKA_RESP_ERR__NOT_CONFIGURED,
            RD_KAFKA_RESP_ERR__FAIL, RD_KAFKA_RESP_ERR__APPLICATION:
            return .fatal("the producer instance is in an unexpected state", "A new producer is built.")

        default:
            // Losing nothing is worth more than ending soon: what nobody knows is tried again, audibly.
            return .retry("the code is not known to be permanent", "It is tried again; if it persists, report it.")
        }
    }
}

extension Classification {
    fileprivate static func retry(_ reason: String, _ advice: String) -> Self {
        Self(kind: .retry, reason: reason, advice: advice)
    }
    fileprivate static func poison(_ reason: String, _ advice: String) -> Self {
        Self(kind: .poison, reason: reason, advice: advice)
    }
    fileprivate static func refused(_ reason: String, _ advice: String) -> Self {
        Self(kind: .refused, reason: reason, advice: advice)
    }
    fileprivate static func fatal(_ reason: String, _ advice: String) -> Self {
        Self(kind: .fatal, reason: reason, advice: advice)
    }
}
