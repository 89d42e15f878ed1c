import NIOCore

/// What stands in front of every request.
struct RequestHeader {
    let api: APIKey
    let version: Int16
    let correlationID: Int32
    let clientID: String?

    /// The outcome of reading a header: a request to answer, or one whose kind or version the broker does not know.
    enum Reading {
        case request(RequestHeader)
        case unsupportedVersion(RequestHeader)
        case unknown(key: Int16)
    }

    /// Reads the header and leaves `reader` at the body, in the body's encoding.
    static func read(from reader: inout WireReader) throws(WireError) -> Reading {
        let key = try reader.int16()
        let version = try reader.int16()
        let correlationID = try reader.int32()
        guard let api = APIKey(rawValue: key) else { return .unknown(key: key) }
        guard api.versions.contains(version) else {
            return .unsupportedVersion(
                RequestHeader(api: api, version: version, correlationID: correlationID, clientID: nil))
        }
        // The client id keeps the classic encoding in every header version.
        reader.flexible = false
        let clientID = try reader.nullableString()
        reader.flexible = api.isFlexible(version)
        try reader.tags()
        return .request(
            RequestHeader(api: api, version: version, correlationID: correlationID, clientID: clientID))
    }

    /// A writer that holds room for the frame's length and the response header, ready for the body.
    func responseWriter(capacity: Int = 256) -> WireWriter {
        var writer = WireWriter(flexible: api.isFlexible(version), capacity: capacity)
        writer.int32(0)
        writer.int32(correlationID)
        // Clients read the answer to ApiVersions before they know the broker: its header never has tagged fields.
        if api != .apiVersions { writer.tags() }
        return writer
    }
}
