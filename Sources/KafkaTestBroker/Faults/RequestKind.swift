/// The kinds of request that a fault can be aimed at, by the names of the Kafka protocol.
public enum RequestKind: String, Sendable, Hashable, Codable, CaseIterable {
    case produce = "Produce"
    case fetch = "Fetch"
    case listOffsets = "ListOffsets"
    case metadata = "Metadata"
    case offsetCommit = "OffsetCommit"
    case offsetFetch = "OffsetFetch"
    case findCoordinator = "FindCoordinator"
    case joinGroup = "JoinGroup"
    case heartbeat = "Heartbeat"
    case leaveGroup = "LeaveGroup"
    case syncGroup = "SyncGroup"
    case describeGroups = "DescribeGroups"
    case listGroups = "ListGroups"
    case apiVersions = "ApiVersions"
    case saslHandshake = "SaslHandshake"
    case saslAuthenticate = "SaslAuthenticate"
    case createTopics = "CreateTopics"
    case deleteTopics = "DeleteTopics"
    case deleteRecords = "DeleteRecords"
    case initProducerID = "InitProducerId"
    case offsetForLeaderEpoch = "OffsetForLeaderEpoch"
    case addPartitionsToTxn = "AddPartitionsToTxn"
    case addOffsetsToTxn = "AddOffsetsToTxn"
    case endTxn = "EndTxn"
    case txnOffsetCommit = "TxnOffsetCommit"
    case describeConfigs = "DescribeConfigs"
    case alterConfigs = "AlterConfigs"
    case createPartitions = "CreatePartitions"
    case deleteGroups = "DeleteGroups"
    case incrementalAlterConfigs = "IncrementalAlterConfigs"
    case offsetDelete = "OffsetDelete"
    case describeCluster = "DescribeCluster"
    case describeProducers = "DescribeProducers"
    case describeTransactions = "DescribeTransactions"
    case listTransactions = "ListTransactions"

    init(_ api: APIKey) {
        self =
            switch api {
            case .produce: .produce
            case .fetch: .fetch
            case .listOffsets: .listOffsets
            case .metadata: .metadata
            case .offsetCommit: .offsetCommit
            case .offsetFetch: .offsetFetch
            case .findCoordinator: .findCoordinator
            case .joinGroup: .joinGroup
            case .heartbeat: .heartbeat
            case .leaveGroup: .leaveGroup
            case .syncGroup: .syncGroup
            case .describeGroups: .describeGroups
            case .listGroups: .listGroups
            case .saslHandshake: .saslHandshake
            case .saslAuthenticate: .saslAuthenticate
            case .apiVersions: .apiVersions
            case .createTopics: .createTopics
            case .deleteTopics: .deleteTopics
            case .deleteRecords: .deleteRecords
            case .initProducerID: .initProducerID
            case .offsetForLeaderEpoch: .offsetForLeaderEpoch
            case .addPartitionsToTxn: .addPartitionsToTxn
            case .addOffsetsToTxn: .addOffsetsToTxn
            case .endTxn: .endTxn
            case .txnOffsetCommit: .txnOffsetCommit
            case .describeConfigs: .describeConfigs
            case .alterConfigs: .alterConfigs
            case .createPartitions: .createPartitions
            case .deleteGroups: .deleteGroups
            case .incrementalAlterConfigs: .incrementalAlterConfigs
            case .offsetDelete: .offsetDelete
            case .describeCluster: .describeCluster
            case .describeProducers: .describeProducers
            case .describeTransactions: .describeTransactions
            case .listTransactions: .listTransactions
            }
    }
}
