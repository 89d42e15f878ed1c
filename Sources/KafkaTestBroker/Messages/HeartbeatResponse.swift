/// The response of `Heartbeat`, versions 0 to 4.
struct HeartbeatResponse: ThrottledResponse {
    var throttleTimeMilliseconds: Int32 = 0
    var errorCode: KafkaErrorCode = .none

    func encode(to writer: inout WireWriter, version: Int16) {
        if version >= 1 { writer.int32(throttleTimeMilliseconds) }
        writer.error(errorCode)
        writer.tags()
    }
}
