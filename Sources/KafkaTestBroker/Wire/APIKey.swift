/// The requests that the broker answers, by their number on the wire.
enum APIKey: Int16, CaseIterable, Sendable, Codable {
    case produce = 0
    case fetch = 1
    case listOffsets = 2
    case metadata = 3
    case offsetCommit = 8
    case offsetFetch = 9
    case findCoordinator = 10
    case joinGroup = 11
    case heartbeat = 12
    case leaveGroup = 13
    case syncGroup = 14
    case describeGroups = 15
    case listGroups = 16
    case saslHandshake = 17
    case apiVersions = 18
    case createTopics = 19
    case deleteTopics = 20
    case deleteRecords = 21
    case initProducerID = 22
    case offsetForLeaderEpoch = 23
    case addPartitionsToTxn = 24
    case addOffsetsToTxn = 25
    case endTxn = 26
    case txnOffsetCommit = 28
    case describeConfigs = 32
    case alterConfigs = 33
    case saslAuthenticate = 36
    case createPartitions = 37
    case deleteGroups = 42
    case incrementalAlterConfigs = 44
    case offsetDelete = 47
    case describeCluster = 60
    case describeProducers = 61
    case describeTransactions = 65
    case listTransactions = 66

    /// The versions that are answered.
    var versions: ClosedRange<Int16> {
        switch self {
        case .produce: 3...13
        case .fetch: 4...18
        case .listOffsets: 1...11
        case .metadata: 0...13
        case .offsetCommit: 1...10
        case .offsetFetch: 1...10
        case .findCoordinator: 0...6
        case .joinGroup: 0...9
        case .heartbeat: 0...4
        case .leaveGroup: 0...5
        case .syncGroup: 0...5
        case .describeGroups: 0...6
        case .listGroups: 0...5
        case .saslHandshake: 0...1
        case .apiVersions: 0...4
        case .createTopics: 0...7
        case .deleteTopics: 0...6
        case .deleteRecords: 0...2
        case .initProducerID: 0...5
        case .offsetForLeaderEpoch: 2...4
        case .addPartitionsToTxn: 0...3
        case .addOffsetsToTxn: 0...4
        case .endTxn: 0...4
        case .txnOffsetCommit: 0...4
        case .describeConfigs: 0...4
        case .alterConfigs: 0...2
        case .saslAuthenticate: 0...2
        case .createPartitions: 0...3
        case .deleteGroups: 0...2
        case .incrementalAlterConfigs: 0...1
        case .offsetDelete: 0...0
        case .describeCluster: 0...2
        case .describeProducers, .describeTransactions: 0...0
        case .listTransactions: 0...1
        }
    }

    /// The versions told to clients.
    ///
    /// Produce is told from 0 on, as Apache Kafka does: librdkafka takes its absence for a broker without compression.
    var advertisedVersions: ClosedRange<Int16> {
        self == .produce ? 0...versions.upperBound : versions
    }

    /// The first version in the compact encoding with tagged fields.
    private var firstFlexibleVersion: Int16 {
        switch self {
        case .describeCluster, .describeProducers, .describeTransactions, .listTransactions: 0
        case .incrementalAlterConfigs: 1
        case .deleteRecords, .initProducerID, .alterConfigs, .saslAuthenticate, .createPartitions, .deleteGroups: 2
        case .findCoordinator, .listGroups, .apiVersions, .addPartitionsToTxn, .addOffsetsToTxn, .endTxn,
            .txnOffsetCommit:
            3
        case .heartbeat, .leaveGroup, .syncGroup, .deleteTopics, .offsetForLeaderEpoch, .describeConfigs: 4
        case .describeGroups, .createTopics: 5
        case .listOffsets, .offsetFetch, .joinGroup: 6
        case .offsetCommit: 8
        case .produce, .metadata: 9
        case .fetch: 12
        case .saslHandshake, .offsetDelete: .max
        }
    }

    func isFlexible(_ version: Int16) -> Bool { version >= firstFlexibleVersion }
}
