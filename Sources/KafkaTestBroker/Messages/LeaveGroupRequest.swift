/// The request of `LeaveGroup`, versions 0 to 5.
struct LeaveGroupRequest: RequestMessage {
    static let api = APIKey.leaveGroup

    var groupID: String
    var memberID: String = ""
    var members: [MemberIdentity] = []

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        groupID = try reader.string()
        if version <= 2 { memberID = try reader.string() }
        if version >= 3 {
            members = try reader.array { (reader) throws(WireError) in
                try MemberIdentity(from: &reader, version: version)
            }
        }
        try reader.tags()
    }

    struct MemberIdentity {
        var memberID: String = ""
        var groupInstanceID: String? = nil
        var reason: String? = nil

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            if version >= 3 { memberID = try reader.string() }
            if version >= 3 { groupInstanceID = try reader.nullableString() }
            if version >= 5 { reason = try reader.nullableString() }
            try reader.tags()
        }
    }
}
