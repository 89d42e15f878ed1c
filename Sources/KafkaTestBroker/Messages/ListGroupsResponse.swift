/// The response of `ListGroups`, versions 0 to 5.
struct ListGroupsResponse: ThrottledResponse {
    var throttleTimeMilliseconds: Int32 = 0
    var errorCode: KafkaErrorCode = .none
    var groups: [ListedGroup] = []

    func encode(to writer: inout WireWriter, version: Int16) {
        if version >= 1 { writer.int32(throttleTimeMilliseconds) }
        writer.error(errorCode)
        writer.array(groups) { writer, item in item.encode(to: &writer, version: version) }
        writer.tags()
    }

    struct ListedGroup {
        var groupID: String = ""
        var protocolType: String = ""
        var groupState: String = ""
        var groupType: String = ""

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.string(groupID)
            writer.string(protocolType)
            if version >= 4 { writer.string(groupState) }
            if version >= 5 { writer.string(groupType) }
            writer.tags()
        }
    }
}
