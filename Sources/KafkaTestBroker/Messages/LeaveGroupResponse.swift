/// The response of `LeaveGroup`, versions 0 to 5.
struct LeaveGroupResponse: ThrottledResponse {
    var throttleTimeMilliseconds: Int32 = 0
    var errorCode: KafkaErrorCode = .none
    var members: [Member] = []

    func encode(to writer: inout WireWriter, version: Int16) {
        if version >= 1 { writer.int32(throttleTimeMilliseconds) }
        writer.error(errorCode)
        if version >= 3 { writer.array(members) { writer, item in item.encode(to: &writer, version: version) } }
        writer.tags()
    }

    struct Member {
        var memberID: String = ""
        var groupInstanceID: String? = nil
        var errorCode: KafkaErrorCode = .none

        func encode(to writer: inout WireWriter, version: Int16) {
            if version >= 3 { writer.string(memberID) }
            if version >= 3 { writer.string(groupInstanceID) }
            if version >= 3 { writer.error(errorCode) }
            writer.tags()
        }
    }
}
