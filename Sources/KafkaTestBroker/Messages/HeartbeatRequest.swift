/// The request of `Heartbeat`, versions 0 to 4.
struct HeartbeatRequest: RequestMessage {
    static let api = APIKey.heartbeat

    var groupID: String
    var generationID: Int32
    var memberID: String
    var groupInstanceID: String? = nil

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        groupID = try reader.string()
        generationID = try reader.int32()
        memberID = try reader.string()
        if version >= 3 { groupInstanceID = try reader.nullableString() }
        try reader.tags()
    }
}
