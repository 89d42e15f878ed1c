import NIOCore

/// The response of `JoinGroup`, versions 0 to 9.
struct JoinGroupResponse: ThrottledResponse {
    var throttleTimeMilliseconds: Int32 = 0
    var errorCode: KafkaErrorCode = .none
    var generationID: Int32 = -1
    var protocolType: String? = nil
    var protocolName: String? = nil
    var leader: String = ""
    var skipAssignment: Bool = false
    var memberID: String = ""
    var members: [Member] = []

    func encode(to writer: inout WireWriter, version: Int16) {
        if version >= 2 { writer.int32(throttleTimeMilliseconds) }
        writer.error(errorCode)
        writer.int32(generationID)
        if version >= 7 { writer.string(protocolType) }
        writer.string(protocolName)
        writer.string(leader)
        if version >= 9 { writer.bool(skipAssignment) }
        writer.string(memberID)
        writer.array(members) { writer, item in item.encode(to: &writer, version: version) }
        writer.tags()
    }

    struct Member {
        var memberID: String = ""
        var groupInstanceID: String? = nil
        var metadata: ByteBuffer = ByteBuffer()

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.string(memberID)
            if version >= 5 { writer.string(groupInstanceID) }
            writer.bytes(metadata)
            writer.tags()
        }
    }
}
