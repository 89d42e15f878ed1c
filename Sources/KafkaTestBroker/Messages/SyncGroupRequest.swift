import NIOCore

/// The request of `SyncGroup`, versions 0 to 5.
struct SyncGroupRequest: RequestMessage {
    static let api = APIKey.syncGroup

    var groupID: String
    var generationID: Int32
    var memberID: String
    var groupInstanceID: String? = nil
    var protocolType: String? = nil
    var protocolName: String? = nil
    var assignments: [Assignment]

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        groupID = try reader.string()
        generationID = try reader.int32()
        memberID = try reader.string()
        if version >= 3 { groupInstanceID = try reader.nullableString() }
        if version >= 5 { protocolType = try reader.nullableString() }
        if version >= 5 { protocolName = try reader.nullableString() }
        assignments = try reader.array { (reader) throws(WireError) in
            try Assignment(from: &reader, version: version)
        }
        try reader.tags()
    }

    struct Assignment {
        var memberID: String
        var assignment: ByteBuffer

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            memberID = try reader.string()
            assignment = try reader.bytes()
            try reader.tags()
        }
    }
}
