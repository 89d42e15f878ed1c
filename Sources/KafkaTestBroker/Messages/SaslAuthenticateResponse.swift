import NIOCore

/// The response of `SaslAuthenticate`, versions 0 to 2.
struct SaslAuthenticateResponse: ResponseMessage {
    var errorCode: KafkaErrorCode = .none
    var errorMessage: String? = nil
    var authBytes: ByteBuffer = ByteBuffer()
    var sessionLifetimeMilliseconds: Int64 = 0

    func encode(to writer: inout WireWriter, version: Int16) {
        writer.error(errorCode)
        writer.string(errorMessage)
        writer.bytes(authBytes)
        if version >= 1 { writer.int64(sessionLifetimeMilliseconds) }
        writer.tags()
    }
}
