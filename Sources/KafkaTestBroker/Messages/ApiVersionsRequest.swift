/// The request of `ApiVersions`, versions 0 to 4.
struct ApiVersionsRequest: RequestMessage {
    static let api = APIKey.apiVersions

    var clientSoftwareName: String = ""
    var clientSoftwareVersion: String = ""

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        if version >= 3 { clientSoftwareName = try reader.string() }
        if version >= 3 { clientSoftwareVersion = try reader.string() }
        try reader.tags()
    }
}
