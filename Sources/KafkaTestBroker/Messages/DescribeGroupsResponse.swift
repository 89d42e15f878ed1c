import NIOCore

/// The response of `DescribeGroups`, versions 0 to 6.
struct DescribeGroupsResponse: ThrottledResponse {
    var throttleTimeMilliseconds: Int32 = 0
    var groups: [DescribedGroup] = []

    func encode(to writer: inout WireWriter, version: Int16) {
        if version >= 1 { writer.int32(throttleTimeMilliseconds) }
        writer.array(groups) { writer, item in item.encode(to: &writer, version: version) }
        writer.tags()
    }

    struct DescribedGroup {
        var errorCode: KafkaErrorCode = .none
        var errorMessage: String? = nil
        var groupID: String = ""
        var groupState: String = ""
        var protocolType: String = ""
        var protocolData: String = ""
        var members: [DescribedGroupMember] = []
        var authorizedOperations: Int32 = .min

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.error(errorCode)
            if version >= 6 { writer.string(errorMessage) }
            writer.string(groupID)
            writer.string(groupState)
            writer.string(protocolType)
            writer.string(protocolData)
            writer.array(members) { writer, item in item.encode(to: &writer, version: version) }
            if version >= 3 { writer.int32(authorizedOperations) }
            writer.tags()
        }
    }

    struct DescribedGroupMember {
        var memberID: String = ""
        var groupInstanceID: String? = nil
        var clientID: String = ""
        var clientHost: String = ""
        var memberMetadata: ByteBuffer = ByteBuffer()
        var memberAssignment: ByteBuffer = ByteBuffer()

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.string(memberID)
            if version >= 4 { writer.string(groupInstanceID) }
            writer.string(clientID)
            writer.string(clientHost)
            writer.bytes(memberMetadata)
            writer.bytes(memberAssignment)
            writer.tags()
        }
    }
}
