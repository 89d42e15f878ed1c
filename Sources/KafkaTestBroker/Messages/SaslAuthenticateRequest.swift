import NIOCore

/// The request of `SaslAuthenticate`, versions 0 to 2.
struct SaslAuthenticateRequest: RequestMessage {
    static let api = APIKey.saslAuthenticate

    var authBytes: ByteBuffer

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        authBytes = try reader.bytes()
        try reader.tags()
    }
}
