/// The response of `SaslHandshake`, versions 0 to 1.
struct SaslHandshakeResponse: ResponseMessage {
    var errorCode: KafkaErrorCode = .none
    var mechanisms: [String] = []

    func encode(to writer: inout WireWriter, version: Int16) {
        writer.error(errorCode)
        writer.array(mechanisms) { writer, item in writer.string(item) }
        writer.tags()
    }
}
