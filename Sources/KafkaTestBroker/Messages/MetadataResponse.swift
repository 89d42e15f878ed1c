/// The response of `Metadata`, versions 0 to 13.
struct MetadataResponse: ThrottledResponse {
    var throttleTimeMilliseconds: Int32 = 0
    var brokers: [Broker] = []
    var clusterID: String? = nil
    var controllerID: Int32 = -1
    var topics: [Topic] = []
    var clusterAuthorizedOperations: Int32 = .min
    var errorCode: KafkaErrorCode = .none

    func encode(to writer: inout WireWriter, version: Int16) {
        if version >= 3 { writer.int32(throttleTimeMilliseconds) }
        writer.array(brokers) { writer, item in item.encode(to: &writer, version: version) }
        if version >= 2 { writer.string(clusterID) }
        if version >= 1 { writer.int32(controllerID) }
        writer.array(topics) { writer, item in item.encode(to: &writer, version: version) }
        if (8...10).contains(version) { writer.int32(clusterAuthorizedOperations) }
        if version >= 13 { writer.error(errorCode) }
        writer.tags()
    }

    struct Broker {
        var nodeID: Int32 = 0
        var host: String = ""
        var port: Int32 = 0
        var rack: String? = nil

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.int32(nodeID)
            writer.string(host)
            writer.int32(port)
            if version >= 1 { writer.string(rack) }
            writer.tags()
        }
    }

    struct Topic {
        var errorCode: KafkaErrorCode = .none
        var name: String? = nil
        var topicID: KafkaUUID = .zero
        var isInternal: Bool = false
        var partitions: [Partition] = []
        var topicAuthorizedOperations: Int32 = .min

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.error(errorCode)
            writer.string(name)
            if version >= 10 { writer.uuid(topicID) }
            if version >= 1 { writer.bool(isInternal) }
            writer.array(partitions) { writer, item in item.encode(to: &writer, version: version) }
            if version >= 8 { writer.int32(topicAuthorizedOperations) }
            writer.tags()
        }
    }

    struct Partition {
        var errorCode: KafkaErrorCode = .none
        var partitionIndex: Int32 = 0
        var leaderID: Int32 = 0
        var leaderEpoch: Int32 = -1
        var replicaNodes: [Int32] = []
        var isrNodes: [Int32] = []
        var offlineReplicas: [Int32] = []

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.error(errorCode)
            writer.int32(partitionIndex)
            writer.int32(leaderID)
            if version >= 7 { writer.int32(leaderEpoch) }
            writer.int32Array(replicaNodes)
            writer.int32Array(isrNodes)
            if version >= 5 { writer.int32Array(offlineReplicas) }
            writer.tags()
        }
    }
}
