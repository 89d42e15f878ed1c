/// The request of `ListGroups`, versions 0 to 5.
struct ListGroupsRequest: RequestMessage {
    static let api = APIKey.listGroups

    var statesFilter: [String] = []
    var typesFilter: [String] = []

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        if version >= 4 { statesFilter = try reader.stringArray() }
        if version >= 5 { typesFilter = try reader.stringArray() }
        try reader.tags()
    }
}
