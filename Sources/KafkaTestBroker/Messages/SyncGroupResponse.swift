import NIOCore

/// The response of `SyncGroup`, versions 0 to 5.
struct SyncGroupResponse: ThrottledResponse {
    var throttleTimeMilliseconds: Int32 = 0
    var errorCode: KafkaErrorCode = .none
    var protocolType: String? = nil
    var protocolName: String? = nil
    var assignment: ByteBuffer = ByteBuffer()

    func encode(to writer: inout WireWriter, version: Int16) {
        if version >= 1 { writer.int32(throttleTimeMilliseconds) }
        writer.error(errorCode)
        if version >= 5 { writer.string(protocolType) }
        if version >= 5 { writer.string(protocolName) }
        writer.bytes(assignment)
        writer.tags()
    }
}
