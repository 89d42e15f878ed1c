internal import CLibRDKafka

/// What a metadata answer says about one topic.
struct TopicMetadata {
    var partitionCount: Int32
    var replicationFactor: Int32
    var error: KafkaError?

    static func read(_ metadata: UnsafePointer<rd_kafka_metadata>) -> [String: TopicMetadata] {
        let metadata = unsafe metadata.pointee
        var topics: [String: TopicMetadata] = [:]
        for index in unsafe 0..<Int(metadata.topic_cnt) {
            let topic = unsafe metadata.topics[index]
            let code = unsafe KafkaError.Code(topic.err)
            let name = unsafe String(cString: topic.topic)
            topics[name] = unsafe TopicMetadata(
                partitionCount: topic.partition_cnt,
                replicationFactor: topic.partition_cnt > 0 ? topic.partitions[0].replica_cnt : 0,
                error: code == .none ? nil : KafkaError(code, message: "\(code.text): `\(name)`"))
        }
        return topics
    }
}

extension ClientHandle {
    /// Asks some broker about one topic, or about all that this client knows. Blocks.
    func metadata(of topic: OpaquePointer?, within limit: Duration) -> Result<[String: TopicMetadata], KafkaError> {
        var metadata: UnsafePointer<rd_kafka_metadata>?
        let milliseconds = max(1, limit.wholeMilliseconds)
        let response = unsafe rd_kafka_metadata(pointer, 0, topic, &metadata, milliseconds)
        guard let metadata = unsafe metadata else {
            return .failure(KafkaError(response: response, context: "Asking for topics"))
        }
        defer { unsafe rd_kafka_metadata_destroy(metadata) }
        return unsafe .success(TopicMetadata.read(metadata))
    }
}
