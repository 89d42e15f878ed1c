/// The response of `ApiVersions`, versions 0 to 4.
struct ApiVersionsResponse: ThrottledResponse {
    var errorCode: KafkaErrorCode = .none
    var apiKeys: [ApiVersion] = []
    var throttleTimeMilliseconds: Int32 = 0

    func encode(to writer: inout WireWriter, version: Int16) {
        writer.error(errorCode)
        writer.array(apiKeys) { writer, item in item.encode(to: &writer, version: version) }
        if version >= 1 { writer.int32(throttleTimeMilliseconds) }
        writer.tags()
    }

    struct ApiVersion {
        var apiKey: Int16 = 0
        var minVersion: Int16 = 0
        var maxVersion: Int16 = 0

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.int16(apiKey)
            writer.int16(minVersion)
            writer.int16(maxVersion)
            writer.tags()
        }
    }
}
