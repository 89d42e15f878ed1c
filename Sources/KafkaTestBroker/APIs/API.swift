/// A kind of request: what the protocol fixes about it, and what answers it.
///
/// To answer another kind, or a newer version: a case of ``RequestKind``, a line of ``all``, and a file with the messages, whose
/// fields have the versions of Kafka's descriptions, and the handler. What faults can aim at comes with ``RequestBody``.
final class API: Sendable {
    let kind: RequestKind
    /// Its number on the wire.
    let number: Int16
    /// The versions that are answered.
    let versions: ClosedRange<Int16>
    /// The first version in the compact encoding with tagged fields.
    let flexible: Int16
    /// The first version whose response holds a throttle time.
    let throttled: Int16
    /// The first version that names topics by their ids.
    let topicIDs: Int16
    /// The first version whose clients know that a producer can be fenced by a code of its own.
    let fencing: Int16
    let handler: RequestHandler

    private init(
        _ kind: RequestKind, _ number: Int16, _ versions: ClosedRange<Int16>, flexible: Int16 = .max,
        throttled: Int16 = 0, topicIDs: Int16 = .max, fencing: Int16 = 0, _ handler: RequestHandler
    ) {
        self.kind = kind
        self.number = number
        self.versions = versions
        self.flexible = flexible
        self.throttled = throttled
        self.topicIDs = topicIDs
        self.fencing = fencing
        self.handler = handler
    }

    /// From Kafka's message descriptions (`clients/src/main/resources/common/message`).
    static let all: [API] = [
        API(.produce, 0, 3...13, flexible: 9, topicIDs: 13, .init(Broker.produce)),
        API(.fetch, 1, 4...18, flexible: 12, topicIDs: 13, .init(Broker.fetch)),
        API(.listOffsets, 2, 1...11, flexible: 6, throttled: 2, .init(Broker.listOffsets)),
        API(.metadata, 3, 0...13, flexible: 9, throttled: 3, .init(Broker.metadata)),
        API(.offsetCommit, 8, 1...10, flexible: 8, throttled: 3, topicIDs: 10, .init(Broker.offsetCommit)),
        API(.offsetFetch, 9, 1...10, flexible: 6, throttled: 3, topicIDs: 10, .init(Broker.offsetFetch)),
        API(.findCoordinator, 10, 0...6, flexible: 3, throttled: 1, .init(Broker.findCoordinator)),
        API(.joinGroup, 11, 0...9, flexible: 6, throttled: 2, .init(Broker.joinGroup)),
        API(.heartbeat, 12, 0...4, flexible: 4, throttled: 1, .init(Broker.heartbeat)),
        API(.leaveGroup, 13, 0...5, flexible: 4, throttled: 1, .init(Broker.leaveGroup)),
        API(.syncGroup, 14, 0...5, flexible: 4, throttled: 1, .init(Broker.syncGroup)),
        API(.describeGroups, 15, 0...6, flexible: 5, throttled: 1, .init(Broker.describeGroups)),
        API(.listGroups, 16, 0...5, flexible: 3, throttled: 1, .init(Broker.listGroups)),
        API(.saslHandshake, 17, 0...1, .init(Broker.saslHandshake)),
        API(.apiVersions, 18, 0...4, flexible: 3, throttled: 1, .init(Broker.apiVersions)),
        API(.createTopics, 19, 0...7, flexible: 5, throttled: 2, .init(Broker.createTopics)),
        API(.deleteTopics, 20, 0...6, flexible: 4, throttled: 1, .init(Broker.deleteTopics)),
        API(.deleteRecords, 21, 0...2, flexible: 2, .init(Broker.deleteRecords)),
        API(.initProducerID, 22, 0...5, flexible: 2, fencing: 4, .init(Broker.initProducerID)),
        API(.offsetForLeaderEpoch, 23, 2...4, flexible: 4, .init(Broker.offsetForLeaderEpoch)),
        API(.addPartitionsToTxn, 24, 0...3, flexible: 3, fencing: 2, .init(Broker.addPartitionsToTxn)),
        API(.addOffsetsToTxn, 25, 0...4, flexible: 3, fencing: 2, .init(Broker.addOffsetsToTxn)),
        API(.endTxn, 26, 0...4, flexible: 3, fencing: 2, .init(Broker.endTxn)),
        API(.txnOffsetCommit, 28, 0...4, flexible: 3, .init(Broker.txnOffsetCommit)),
        API(.describeConfigs, 32, 0...4, flexible: 4, .init(Broker.describeConfigs)),
        API(.alterConfigs, 33, 0...2, flexible: 2, .init(Broker.alterConfigs)),
        API(.saslAuthenticate, 36, 0...2, flexible: 2, .init(Broker.saslAuthenticate)),
        API(.createPartitions, 37, 0...3, flexible: 2, .init(Broker.createPartitions)),
        API(.deleteGroups, 42, 0...2, flexible: 2, .init(Broker.deleteGroups)),
        API(.incrementalAlterConfigs, 44, 0...1, flexible: 1, .init(Broker.incrementalAlterConfigs)),
        API(.offsetDelete, 47, 0...0, .init(Broker.offsetDelete)),
        API(.describeCluster, 60, 0...2, flexible: 0, .init(Broker.describeCluster)),
        API(.describeProducers, 61, 0...0, flexible: 0, .init(Broker.describeProducers)),
        API(.describeTransactions, 65, 0...0, flexible: 0, .init(Broker.describeTransactions)),
        API(.listTransactions, 66, 0...1, flexible: 0, .init(Broker.listTransactions)),
    ]

    private static let byNumber = all.reduce(into: [API?](repeating: nil, count: 256)) { $0[Int($1.number)] = $1 }

    /// The API with this number on the wire.
    static func numbered(_ number: Int16) -> API? {
        byNumber.indices.contains(Int(number)) ? byNumber[Int(number)] : nil
    }

    /// What a message of this version consists of.
    func format(_ version: Int16) -> Coder.Format {
        .init(
            version: version, isFlexible: version >= flexible, hasTopicIDs: version >= topicIDs,
            hasThrottleTime: version >= throttled)
    }
}

/// Reads a request and has it answered.
struct RequestHandler: Sendable {
    let serve: @Sendable (Broker, inout Coder, RequestContext) throws(WireError) -> Void

    /// For requests whose answer may come later, or has an error for each of its parts.
    init<Body: RequestBody>(_ answer: @escaping @Sendable (Broker) -> (Body, RequestContext) -> Void) {
        serve = { (broker, wire, context) throws(WireError) in
            var request = Body()
            wire(&request)
            try wire.finishReading()
            broker.serve(request, context, answer(broker))
        }
    }

    /// For requests that are answered at once: the error that a fault or the handler throws is put into the response.
    init<Body: RequestBody, Response: ErrorAnswer>(
        _ answer: @escaping @Sendable (Broker) -> (Body, RequestContext) throws(KafkaErrorCode) -> Response
    ) {
        self.init { broker in
            { (request: Body, context: RequestContext) in
                context.reply(
                    Response.made { () throws(KafkaErrorCode) in
                        try context.injectedError().check()
                        return try answer(broker)(request, context)
                    })
            }
        }
    }
}

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
}
