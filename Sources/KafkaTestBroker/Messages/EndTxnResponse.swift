/// The response of `EndTxn`, versions 0 to 4.
struct EndTxnResponse: ThrottledResponse {
    var throttleTimeMilliseconds: Int32 = 0
    var errorCode: KafkaErrorCode = .none

    func encode(to writer: inout WireWriter, version: Int16) {
        writer.int32(throttleTimeMilliseconds)
        writer.error(errorCode)
        writer.tags()
    }
}
