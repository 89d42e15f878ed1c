/// The response of `CreatePartitions`, versions 0 to 3.
struct CreatePartitionsResponse: ThrottledResponse {
    var throttleTimeMilliseconds: Int32 = 0
    var results: [CreatePartitionsTopicResult] = []

    func encode(to writer: inout WireWriter, version: Int16) {
        writer.int32(throttleTimeMilliseconds)
        writer.array(results) { writer, item in item.encode(to: &writer, version: version) }
        writer.tags()
    }

    struct CreatePartitionsTopicResult {
        var name: String = ""
        var errorCode: KafkaErrorCode = .none
        var errorMessage: String? = nil

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.string(name)
            writer.error(errorCode)
            writer.string(errorMessage)
            writer.tags()
        }
    }
}
