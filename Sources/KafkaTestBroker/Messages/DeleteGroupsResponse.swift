/// The response of `DeleteGroups`, versions 0 to 2.
struct DeleteGroupsResponse: ThrottledResponse {
    var throttleTimeMilliseconds: Int32 = 0
    var results: [DeletableGroupResult] = []

    func encode(to writer: inout WireWriter, version: Int16) {
        writer.int32(throttleTimeMilliseconds)
        writer.array(results) { writer, item in item.encode(to: &writer, version: version) }
        writer.tags()
    }

    struct DeletableGroupResult {
        var groupID: String = ""
        var errorCode: KafkaErrorCode = .none

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.string(groupID)
            writer.error(errorCode)
            writer.tags()
        }
    }
}
