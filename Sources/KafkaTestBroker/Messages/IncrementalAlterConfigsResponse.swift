/// The response of `IncrementalAlterConfigs`, versions 0 to 1.
struct IncrementalAlterConfigsResponse: ThrottledResponse {
    var throttleTimeMilliseconds: Int32 = 0
    var responses: [AlterConfigsResource] = []

    func encode(to writer: inout WireWriter, version: Int16) {
        writer.int32(throttleTimeMilliseconds)
        writer.array(responses) { writer, item in item.encode(to: &writer, version: version) }
        writer.tags()
    }

    struct AlterConfigsResource {
        var errorCode: KafkaErrorCode = .none
        var errorMessage: String? = nil
        var resourceType: Int8 = 0
        var resourceName: String = ""

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.error(errorCode)
            writer.string(errorMessage)
            writer.int8(resourceType)
            writer.string(resourceName)
            writer.tags()
        }
    }
}
