/// The response of `Produce`, versions 3 to 13.
struct ProduceResponse: ThrottledResponse {
    var responses: [TopicProduce] = []
    var throttleTimeMilliseconds: Int32 = 0
    var nodeEndpoints: [NodeEndpoint] = []

    func encode(to writer: inout WireWriter, version: Int16) {
        writer.array(responses) { writer, item in item.encode(to: &writer, version: version) }
        writer.int32(throttleTimeMilliseconds)
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

    struct TopicProduce {
        var name: String = ""
        var topicID: KafkaUUID = .zero
        var partitionResponses: [PartitionProduce] = []

        func encode(to writer: inout WireWriter, version: Int16) {
            if version <= 12 { writer.string(name) }
            if version >= 13 { writer.uuid(topicID) }
            writer.array(partitionResponses) { writer, item in item.encode(to: &writer, version: version) }
            writer.tags()
        }
    }

    struct PartitionProduce {
        var index: Int32 = 0
        var errorCode: KafkaErrorCode = .none
        var baseOffset: Int64 = 0
        var logAppendTimeMilliseconds: Int64 = -1
        var logStartOffset: Int64 = -1
        var recordErrors: [BatchIndexAndErrorMessage] = []
        var errorMessage: String? = nil
        var currentLeader: LeaderIdAndEpoch? = nil

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.int32(index)
            writer.error(errorCode)
            writer.int64(baseOffset)
            writer.int64(logAppendTimeMilliseconds)
            if version >= 5 { writer.int64(logStartOffset) }
            if version >= 8 {
                writer.array(recordErrors) { writer, item in item.encode(to: &writer, version: version) }
            }
            if version >= 8 { writer.string(errorMessage) }
            var fields: [WireWriter.TaggedField] = []
            if let currentLeader {
                fields.append((0, { writer in currentLeader.encode(to: &writer, version: version) }))
            }
            writer.tags(fields)
        }
    }

    struct BatchIndexAndErrorMessage {
        var batchIndex: Int32 = 0
        var batchIndexErrorMessage: String? = nil

        func encode(to writer: inout WireWriter, version: Int16) {
            if version >= 8 { writer.int32(batchIndex) }
            if version >= 8 { writer.string(batchIndexErrorMessage) }
            writer.tags()
        }
    }

    struct LeaderIdAndEpoch {
        var leaderID: Int32 = -1
        var leaderEpoch: Int32 = -1

        func encode(to writer: inout WireWriter, version: Int16) {
            if version >= 10 { writer.int32(leaderID) }
            if version >= 10 { writer.int32(leaderEpoch) }
            writer.tags()
        }
    }

    struct NodeEndpoint {
        var nodeID: Int32 = 0
        var host: String = ""
        var port: Int32 = 0
        var rack: String? = nil

        func encode(to writer: inout WireWriter, version: Int16) {
            if version >= 10 { writer.int32(nodeID) }
            if version >= 10 { writer.string(host) }
            if version >= 10 { writer.int32(port) }
            if version >= 10 { writer.string(rack) }
            writer.tags()
        }
    }
}
