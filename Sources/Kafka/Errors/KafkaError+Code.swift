internal import CLibRDKafka

extension KafkaError {
    /// A Kafka error code as librdkafka numbers it: positive ones are the protocol's, negative ones the client's own.
    package struct Code: RawRepresentable, Hashable, Sendable {
        package let rawValue: Int32

        package init(rawValue: Int32) { self.rawValue = rawValue }

        init(_ native: rd_kafka_resp_err_t) { rawValue = native.rawValue }

        /// The name librdkafka gives the code, such as `_TRANSPORT` or `TOPIC_AUTHORIZATION_FAILED`.
        package var name: String {
            if self == .configuration { return "_CONFIGURATION" }
            if self == .outdatedSecrets { return "_OUTDATED_SECRETS" }
            return unsafe rd_kafka_err2name(rd_kafka_resp_err_t(rawValue)).map { unsafe String(cString: $0) }
                ?? "ERR_\(rawValue)"
        }

        /// librdkafka's sentence for the code.
        package var text: String {
            if self == .outdatedSecrets { return "Files with secrets or certificates were replaced since it was made" }
            if self == .configuration { return "The client's configuration is not accepted" }
            return unsafe rd_kafka_err2str(rd_kafka_resp_err_t(rawValue)).map { unsafe String(cString: $0) }
                ?? "Unknown error \(rawValue)"
        }
    }
}

extension KafkaError.Code {
    // Godwit's own, outside librdkafka's range.
    /// A property is refused, unknown or has an invalid value.
    package static let configuration = Self(rawValue: -1_000)

    /// Brokers do not let the client in, and the files that it was made with have changed.
    package static let outdatedSecrets = Self(rawValue: -1_001)

    // The client's.
    package static let transport = Self(RD_KAFKA_RESP_ERR__TRANSPORT)
    package static let allBrokersDown = Self(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
    package static let unresolved = Self(RD_KAFKA_RESP_ERR__RESOLVE)
    package static let timedOut = Self(RD_KAFKA_RESP_ERR__TIMED_OUT)
    package static let queueFull = Self(RD_KAFKA_RESP_ERR__QUEUE_FULL)
    package static let purgedInQueue = Self(RD_KAFKA_RESP_ERR__PURGE_QUEUE)
    package static let purgedInFlight = Self(RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
    package static let destroyed = Self(RD_KAFKA_RESP_ERR__DESTROY)
    package static let fatal = Self(RD_KAFKA_RESP_ERR__FATAL)
    package static let gapless = Self(RD_KAFKA_RESP_ERR__GAPLESS_GUARANTEE)
    package static let fenced = Self(RD_KAFKA_RESP_ERR__FENCED)
    package static let localUnknownTopic = Self(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
    package static let localUnknownPartition = Self(RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
    package static let invalidArgument = Self(RD_KAFKA_RESP_ERR__INVALID_ARG)
    package static let authentication = Self(RD_KAFKA_RESP_ERR__AUTHENTICATION)
    package static let tls = Self(RD_KAFKA_RESP_ERR__SSL)
    package static let unsupportedFeature = Self(RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE)
    package static let state = Self(RD_KAFKA_RESP_ERR__STATE)
    /// The offset that was to be read is no longer there, and nothing says where to go on instead.
    package static let offsetReset = Self(RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
    package static let partitionEnd = Self(RD_KAFKA_RESP_ERR__PARTITION_EOF)

    // The protocol's.
    package static let unknown = Self(RD_KAFKA_RESP_ERR_UNKNOWN)
    package static let none = Self(RD_KAFKA_RESP_ERR_NO_ERROR)
    package static let corruptMessage = Self(RD_KAFKA_RESP_ERR_INVALID_MSG)
    package static let unknownTopicOrPartition = Self(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
    package static let offsetOutOfRange = Self(RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
    package static let leaderNotAvailable = Self(RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)
    package static let notLeader = Self(RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION)
    package static let requestTimedOut = Self(RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT)
    package static let messageTooLarge = Self(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
    package static let invalidTopic = Self(RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION)
    package static let recordListTooLarge = Self(RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE)
    package static let notEnoughReplicas = Self(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS)
    package static let notEnoughReplicasAfterAppend = Self(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND)
    package static let topicAuthorizationFailed = Self(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
    package static let clusterAuthorizationFailed = Self(RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED)
    package static let transactionalIDAuthorizationFailed = Self(
        RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    package static let invalidTransactionTimeout = Self(RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT)
    package static let unsupportedVersion = Self(RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION)
    package static let invalidTimestamp = Self(RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP)
    package static let topicAlreadyExists = Self(RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
    package static let invalidConfiguration = Self(RD_KAFKA_RESP_ERR_INVALID_CONFIG)
    package static let policyViolation = Self(RD_KAFKA_RESP_ERR_POLICY_VIOLATION)
    package static let outOfOrderSequence = Self(RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER)
    package static let unknownProducerID = Self(RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID)
    package static let storageError = Self(RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR)
    package static let saslAuthenticationFailed = Self(RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED)
    package static let invalidRecord = Self(RD_KAFKA_RESP_ERR_INVALID_RECORD)
    package static let producerFenced = Self(RD_KAFKA_RESP_ERR_PRODUCER_FENCED)
    package static let invalidProducerEpoch = Self(RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH)
    package static let coordinatorFenced = Self(RD_KAFKA_RESP_ERR_TRANSACTION_COORDINATOR_FENCED)
}
