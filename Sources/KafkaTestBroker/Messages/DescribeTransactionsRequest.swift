/// The request of `DescribeTransactions`, versions 0 to 0.
struct DescribeTransactionsRequest: RequestMessage {
    static let api = APIKey.describeTransactions

    var transactionalIDs: [String]

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        transactionalIDs = try reader.stringArray()
        try reader.tags()
    }
}
