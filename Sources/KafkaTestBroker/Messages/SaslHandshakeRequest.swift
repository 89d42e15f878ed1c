/// The request of `SaslHandshake`, versions 0 to 1.
struct SaslHandshakeRequest: RequestMessage {
    static let api = APIKey.saslHandshake

    var mechanism: String

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        mechanism = try reader.string()
        try reader.tags()
    }
}
