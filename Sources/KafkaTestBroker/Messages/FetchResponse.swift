import NIOCore

/// The response of `Fetch`, versions 4 to 18.
struct FetchResponse: ThrottledResponse {
    var throttleTimeMilliseconds: Int32 = 0
    var errorCode: KafkaErrorCode = .none
    var sessionID: Int32 = 0
    var responses: [FetchableTopic] = []
    var nodeEndpoints: [NodeEndpoint] = []

    func encode(to writer: inout WireWriter, version: Int16) {
        writer.int32(throttleTimeMilliseconds)
        if version >= 7 { writer.error(errorCode) }
        if version >= 7 { writer.int32(sessionID) }
        writer.array(responses) { writer, item in item.encode(to: &writer, version: version) }
        var fields: [WireWriter.TaggedField] = []
        if !nodeEndpoints.isEmpty {
            fields.append(
                (
                    0,
                    { writer in
                        writer.array(nodeEndpoints) { writer, item in item.encode(to: &writer, version: version) }
                    }
                ))
        }
        writer.tags(fields)
    }

    struct FetchableTopic {
        var topic: String = ""
        var topicID: KafkaUUID = .zero
        var partitions: [PartitionData] = []

        func encode(to writer: inout WireWriter, version: Int16) {
            if version <= 12 { writer.string(topic) }
            if version >= 13 { writer.uuid(topicID) }
            writer.array(partitions) { writer, item in item.encode(to: &writer, version: version) }
            writer.tags()
        }
    }

    struct PartitionData {
        var partitionIndex: Int32 = 0
        var errorCode: KafkaErrorCode = .none
        var highWatermark: Int64 = 0
        var lastStableOffset: Int64 = -1
        var logStartOffset: Int64 = -1
        var currentLeader: LeaderIdAndEpoch? = nil
        var abortedTransactions: [AbortedTransaction]? = nil
        var preferredReadReplica: Int32 = -1
        var records: [ByteBuffer] = []

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.int32(partitionIndex)
            writer.error(errorCode)
            writer.int64(highWatermark)
            writer.int64(lastStableOffset)
            if version >= 5 { writer.int64(logStartOffset) }
            writer.array(abortedTransactions) { writer, item in item.encode(to: &writer, version: version) }
            if version >= 11 { writer.int32(preferredReadReplica) }
            writer.records(records)
            var fields: [WireWriter.TaggedField] = []
            if let currentLeader {
                fields.append((1, { writer in currentLeader.encode(to: &writer, version: version) }))
            }
            writer.tags(fields)
        }
    }

    struct LeaderIdAndEpoch {
        var leaderID: Int32 = -1
        var leaderEpoch: Int32 = -1

        func encode(to writer: inout WireWriter, version: Int16) {
            if version >= 12 { writer.int32(leaderID) }
            if version >= 12 { writer.int32(leaderEpoch) }
            writer.tags()
        }
    }

    struct AbortedTransaction {
        var producerID: Int64 = 0
        var firstOffset: Int64 = 0

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.int64(producerID)
            writer.int64(firstOffset)
            writer.tags()
        }
    }

    struct NodeEndpoint {
        var nodeID: Int32 = 0
        var host: String = ""
        var port: Int32 = 0
        var rack: String? = nil

        func encode(to writer: inout WireWriter, version: Int16) {
            if version >= 16 { writer.int32(nodeID) }
            if version >= 16 { writer.string(host) }
            if version >= 16 { writer.int32(port) }
            if version >= 16 { writer.string(rack) }
            writer.tags()
        }
    }
}
