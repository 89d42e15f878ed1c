/// The request of `DescribeCluster`, versions 0 to 2.
struct DescribeClusterRequest: RequestMessage {
    static let api = APIKey.describeCluster

    var includeClusterAuthorizedOperations: Bool
    var endpointType: Int8 = 1
    var includeFencedBrokers: Bool = false

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        includeClusterAuthorizedOperations = try reader.bool()
        if version >= 1 { endpointType = try reader.int8() }
        if version >= 2 { includeFencedBrokers = try reader.bool() }
        try reader.tags()
    }
}
