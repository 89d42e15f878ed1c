import NIOCore

/// What is in front of every request.
struct RequestHeader {
    let api: API
    let format: Coder.Format
    let correlationID: Int32
    var clientID: String?

    /// The outcome of reading a header: a request to answer, or one whose kind or version the broker does not know.
    enum Reading {
        /// With the body, still to be read.
        case request(RequestHeader, Coder)
        case unsupportedVersion(RequestHeader)
        case unknown(number: Int16)
    }

    static func read(_ frame: ByteBuffer) throws(WireError) -> Reading {
        var wire = Coder(reading: frame)
        var (number, version, correlationID): (Int16, Int16, Int32) = (0, 0, 0)
        wire(&number, &version, &correlationID)
        try wire.finishReading()
        guard let api = API.numbered(number) else { return .unknown(number: number) }
        var header = RequestHeader(api: api, format: api.format(version), correlationID: correlationID)
        guard api.versions.contains(version) else { return .unsupportedVersion(header) }
        // The client id keeps the classic encoding in every header version.
        wire(&header.clientID)
        try wire.finishReading()
        wire.format = header.format
        wire.tags()
        return .request(header, wire)
    }

    /// Holds room for the frame's length and the response header, ready for the body.
    func responseWriter() -> Coder {
        var wire = Coder(writing: format)
        var (length, correlationID) = (Int32(0), correlationID)
        wire(&length, &correlationID)
        // Clients read the answer to ApiVersions before they know the broker: its header never has tagged fields.
        if api.kind != .apiVersions { wire.tags() }
        return wire
    }
}
