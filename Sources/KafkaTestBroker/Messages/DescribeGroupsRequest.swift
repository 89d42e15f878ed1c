/// The request of `DescribeGroups`, versions 0 to 6.
struct DescribeGroupsRequest: RequestMessage {
    static let api = APIKey.describeGroups

    var groups: [String]
    var includeAuthorizedOperations: Bool = false

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        groups = try reader.stringArray()
        if version >= 3 { includeAuthorizedOperations = try reader.bool() }
        try reader.tags()
    }
}
