/// The codes that the broker itself answers with.
extension KafkaErrorCode {
    /// `NONE`.
    public static let none = KafkaErrorCode(rawValue: 0)
    /// `UNKNOWN_SERVER_ERROR`.
    public static let unknownServerError = KafkaErrorCode(rawValue: -1)
    /// `OFFSET_OUT_OF_RANGE`.
    public static let offsetOutOfRange = KafkaErrorCode(rawValue: 1)
    /// `CORRUPT_MESSAGE`.
    public static let corruptMessage = KafkaErrorCode(rawValue: 2)
    /// `UNKNOWN_TOPIC_OR_PARTITION`.
    public static let unknownTopicOrPartition = KafkaErrorCode(rawValue: 3)
    /// `LEADER_NOT_AVAILABLE`.
    public static let leaderNotAvailable = KafkaErrorCode(rawValue: 5)
    /// `NOT_LEADER_OR_FOLLOWER`.
    public static let notLeaderOrFollower = KafkaErrorCode(rawValue: 6)
    /// `REQUEST_TIMED_OUT`.
    public static let requestTimedOut = KafkaErrorCode(rawValue: 7)
    /// `MESSAGE_TOO_LARGE`.
    public static let messageTooLarge = KafkaErrorCode(rawValue: 10)
    /// `OFFSET_METADATA_TOO_LARGE`.
    public static let offsetMetadataTooLarge = KafkaErrorCode(rawValue: 12)
    /// `COORDINATOR_LOAD_IN_PROGRESS`.
    public static let coordinatorLoadInProgress = KafkaErrorCode(rawValue: 14)
    /// `COORDINATOR_NOT_AVAILABLE`.
    public static let coordinatorNotAvailable = KafkaErrorCode(rawValue: 15)
    /// `NOT_COORDINATOR`.
    public static let notCoordinator = KafkaErrorCode(rawValue: 16)
    /// `INVALID_TOPIC_EXCEPTION`.
    public static let invalidTopic = KafkaErrorCode(rawValue: 17)
    /// `RECORD_LIST_TOO_LARGE`.
    public static let recordListTooLarge = KafkaErrorCode(rawValue: 18)
    /// `NOT_ENOUGH_REPLICAS`.
    public static let notEnoughReplicas = KafkaErrorCode(rawValue: 19)
    /// `NOT_ENOUGH_REPLICAS_AFTER_APPEND`.
    public static let notEnoughReplicasAfterAppend = KafkaErrorCode(rawValue: 20)
    /// `INVALID_REQUIRED_ACKS`.
    public static let invalidRequiredAcks = KafkaErrorCode(rawValue: 21)
    /// `ILLEGAL_GENERATION`.
    public static let illegalGeneration = KafkaErrorCode(rawValue: 22)
    /// `INCONSISTENT_GROUP_PROTOCOL`.
    public static let inconsistentGroupProtocol = KafkaErrorCode(rawValue: 23)
    /// `INVALID_GROUP_ID`.
    public static let invalidGroupID = KafkaErrorCode(rawValue: 24)
    /// `UNKNOWN_MEMBER_ID`.
    public static let unknownMemberID = KafkaErrorCode(rawValue: 25)
    /// `INVALID_SESSION_TIMEOUT`.
    public static let invalidSessionTimeout = KafkaErrorCode(rawValue: 26)
    /// `REBALANCE_IN_PROGRESS`.
    public static let rebalanceInProgress = KafkaErrorCode(rawValue: 27)
    /// `TOPIC_AUTHORIZATION_FAILED`.
    public static let topicAuthorizationFailed = KafkaErrorCode(rawValue: 29)
    /// `CLUSTER_AUTHORIZATION_FAILED`.
    public static let clusterAuthorizationFailed = KafkaErrorCode(rawValue: 31)
    /// `INVALID_TIMESTAMP`.
    public static let invalidTimestamp = KafkaErrorCode(rawValue: 32)
    /// `UNSUPPORTED_SASL_MECHANISM`.
    public static let unsupportedSaslMechanism = KafkaErrorCode(rawValue: 33)
    /// `ILLEGAL_SASL_STATE`.
    public static let illegalSaslState = KafkaErrorCode(rawValue: 34)
    /// `UNSUPPORTED_VERSION`.
    public static let unsupportedVersion = KafkaErrorCode(rawValue: 35)
    /// `TOPIC_ALREADY_EXISTS`.
    public static let topicAlreadyExists = KafkaErrorCode(rawValue: 36)
    /// `INVALID_PARTITIONS`.
    public static let invalidPartitions = KafkaErrorCode(rawValue: 37)
    /// `INVALID_REPLICATION_FACTOR`.
    public static let invalidReplicationFactor = KafkaErrorCode(rawValue: 38)
    /// `INVALID_REPLICA_ASSIGNMENT`.
    public static let invalidReplicaAssignment = KafkaErrorCode(rawValue: 39)
    /// `INVALID_CONFIG`.
    public static let invalidConfig = KafkaErrorCode(rawValue: 40)
    /// `INVALID_REQUEST`.
    public static let invalidRequest = KafkaErrorCode(rawValue: 42)
    /// `POLICY_VIOLATION`.
    public static let policyViolation = KafkaErrorCode(rawValue: 44)
    /// `OUT_OF_ORDER_SEQUENCE_NUMBER`.
    public static let outOfOrderSequenceNumber = KafkaErrorCode(rawValue: 45)
    /// `INVALID_PRODUCER_EPOCH`.
    public static let invalidProducerEpoch = KafkaErrorCode(rawValue: 47)
    /// `INVALID_TXN_STATE`.
    public static let invalidTxnState = KafkaErrorCode(rawValue: 48)
    /// `INVALID_PRODUCER_ID_MAPPING`.
    public static let invalidProducerIDMapping = KafkaErrorCode(rawValue: 49)
    /// `INVALID_TRANSACTION_TIMEOUT`.
    public static let invalidTransactionTimeout = KafkaErrorCode(rawValue: 50)
    /// `CONCURRENT_TRANSACTIONS`.
    public static let concurrentTransactions = KafkaErrorCode(rawValue: 51)
    /// `OPERATION_NOT_ATTEMPTED`.
    public static let operationNotAttempted = KafkaErrorCode(rawValue: 55)
    /// `KAFKA_STORAGE_ERROR`.
    public static let kafkaStorageError = KafkaErrorCode(rawValue: 56)
    /// `SASL_AUTHENTICATION_FAILED`.
    public static let saslAuthenticationFailed = KafkaErrorCode(rawValue: 58)
    /// `UNKNOWN_PRODUCER_ID`.
    public static let unknownProducerID = KafkaErrorCode(rawValue: 59)
    /// `NON_EMPTY_GROUP`.
    public static let nonEmptyGroup = KafkaErrorCode(rawValue: 68)
    /// `GROUP_ID_NOT_FOUND`.
    public static let groupIDNotFound = KafkaErrorCode(rawValue: 69)
    /// `FETCH_SESSION_ID_NOT_FOUND`.
    public static let fetchSessionIDNotFound = KafkaErrorCode(rawValue: 70)
    /// `FENCED_LEADER_EPOCH`.
    public static let fencedLeaderEpoch = KafkaErrorCode(rawValue: 74)
    /// `UNKNOWN_LEADER_EPOCH`.
    public static let unknownLeaderEpoch = KafkaErrorCode(rawValue: 75)
    /// `UNSUPPORTED_COMPRESSION_TYPE`.
    public static let unsupportedCompressionType = KafkaErrorCode(rawValue: 76)
    /// `MEMBER_ID_REQUIRED`.
    public static let memberIDRequired = KafkaErrorCode(rawValue: 79)
    /// `FENCED_INSTANCE_ID`.
    public static let fencedInstanceID = KafkaErrorCode(rawValue: 82)
    /// `GROUP_SUBSCRIBED_TO_TOPIC`.
    public static let groupSubscribedToTopic = KafkaErrorCode(rawValue: 86)
    /// `INVALID_RECORD`.
    public static let invalidRecord = KafkaErrorCode(rawValue: 87)
    /// `UNSTABLE_OFFSET_COMMIT`.
    public static let unstableOffsetCommit = KafkaErrorCode(rawValue: 88)
    /// `THROTTLING_QUOTA_EXCEEDED`.
    public static let throttlingQuotaExceeded = KafkaErrorCode(rawValue: 89)
    /// `PRODUCER_FENCED`.
    public static let producerFenced = KafkaErrorCode(rawValue: 90)
    /// `RESOURCE_NOT_FOUND`.
    public static let resourceNotFound = KafkaErrorCode(rawValue: 91)
    /// `UNKNOWN_TOPIC_ID`.
    public static let unknownTopicID = KafkaErrorCode(rawValue: 100)
    /// `INCONSISTENT_TOPIC_ID`.
    public static let inconsistentTopicID = KafkaErrorCode(rawValue: 103)
    /// `TRANSACTIONAL_ID_NOT_FOUND`.
    public static let transactionalIDNotFound = KafkaErrorCode(rawValue: 105)
    /// `TRANSACTION_ABORTABLE`.
    public static let transactionAbortable = KafkaErrorCode(rawValue: 120)
    /// `TRANSACTIONAL_ID_AUTHORIZATION_FAILED`.
    public static let transactionalIDAuthorizationFailed = KafkaErrorCode(rawValue: 53)
    /// `TRANSACTION_COORDINATOR_FENCED`.
    public static let transactionCoordinatorFenced = KafkaErrorCode(rawValue: 52)
}
