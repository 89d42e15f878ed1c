/// The request of `DeleteGroups`, versions 0 to 2.
struct DeleteGroupsRequest: RequestMessage {
    static let api = APIKey.deleteGroups

    var groupsNames: [String]

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        groupsNames = try reader.stringArray()
        try reader.tags()
    }
}
