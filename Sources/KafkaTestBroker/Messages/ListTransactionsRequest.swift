/// The request of `ListTransactions`, versions 0 to 1.
struct ListTransactionsRequest: RequestMessage {
    static let api = APIKey.listTransactions

    var stateFilters: [String]
    var producerIDFilters: [Int64]
    var durationFilter: Int64 = -1

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        stateFilters = try reader.stringArray()
        producerIDFilters = try reader.array { (reader) throws(WireError) in
            try reader.int64()
        }
        if version >= 1 { durationFilter = try reader.int64() }
        try reader.tags()
    }
}
