import NIOCore

/// The request of `JoinGroup`, versions 0 to 9.
struct JoinGroupRequest: RequestMessage {
    static let api = APIKey.joinGroup

    var groupID: String
    var sessionTimeoutMilliseconds: Int32
    var rebalanceTimeoutMilliseconds: Int32 = -1
    var memberID: String
    var groupInstanceID: String? = nil
    var protocolType: String
    var protocols: [JoinProtocol]
    var reason: String? = nil

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        groupID = try reader.string()
        sessionTimeoutMilliseconds = try reader.int32()
        if version >= 1 { rebalanceTimeoutMilliseconds = try reader.int32() }
        memberID = try reader.string()
        if version >= 5 { groupInstanceID = try reader.nullableString() }
        protocolType = try reader.string()
        protocols = try reader.array { (reader) throws(WireError) in
            try JoinProtocol(from: &reader, version: version)
        }
        if version >= 8 { reason = try reader.nullableString() }
        try reader.tags()
    }

    struct JoinProtocol {
        var name: String
        var metadata: ByteBuffer

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            name = try reader.string()
            metadata = try reader.bytes()
            try reader.tags()
        }
    }
}
