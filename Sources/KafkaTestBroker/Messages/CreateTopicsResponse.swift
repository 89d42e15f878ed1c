/// The response of `CreateTopics`, versions 0 to 7.
struct CreateTopicsResponse: ThrottledResponse {
    var throttleTimeMilliseconds: Int32 = 0
    var topics: [CreatableTopicResult] = []

    func encode(to writer: inout WireWriter, version: Int16) {
        if version >= 2 { writer.int32(throttleTimeMilliseconds) }
        writer.array(topics) { writer, item in item.encode(to: &writer, version: version) }
        writer.tags()
    }

    struct CreatableTopicResult {
        var name: String = ""
        var topicID: KafkaUUID = .zero
        var errorCode: KafkaErrorCode = .none
        var errorMessage: String? = nil
        var numPartitions: Int32 = -1
        var replicationFactor: Int16 = -1
        var configs: [CreatableTopicConfigs]? = nil

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.string(name)
            if version >= 7 { writer.uuid(topicID) }
            writer.error(errorCode)
            if version >= 1 { writer.string(errorMessage) }
            if version >= 5 { writer.int32(numPartitions) }
            if version >= 5 { writer.int16(replicationFactor) }
            if version >= 5 { writer.array(configs) { writer, item in item.encode(to: &writer, version: version) } }
            writer.tags()
        }
    }

    struct CreatableTopicConfigs {
        var name: String = ""
        var value: String? = nil
        var readOnly: Bool = false
        var configSource: Int8 = -1
        var isSensitive: Bool = false

        func encode(to writer: inout WireWriter, version: Int16) {
            if version >= 5 { writer.string(name) }
            if version >= 5 { writer.string(value) }
            if version >= 5 { writer.bool(readOnly) }
            if version >= 5 { writer.int8(configSource) }
            if version >= 5 { writer.bool(isSensitive) }
            writer.tags()
        }
    }
}
