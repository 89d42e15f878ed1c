/// The response of `DeleteTopics`, versions 0 to 6.
struct DeleteTopicsResponse: ThrottledResponse {
    var throttleTimeMilliseconds: Int32 = 0
    var responses: [DeletableTopicResult] = []

    func encode(to writer: inout WireWriter, version: Int16) {
        if version >= 1 { writer.int32(throttleTimeMilliseconds) }
        writer.array(responses) { writer, item in item.encode(to: &writer, version: version) }
        writer.tags()
    }

    struct DeletableTopicResult {
        var name: String? = nil
        var topicID: KafkaUUID = .zero
        var errorCode: KafkaErrorCode = .none
        var errorMessage: String? = nil

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.string(name)
            if version >= 6 { writer.uuid(topicID) }
            writer.error(errorCode)
            if version >= 5 { writer.string(errorMessage) }
            writer.tags()
        }
    }
}
