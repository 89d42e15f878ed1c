/// The request of `DescribeProducers`, versions 0 to 0.
struct DescribeProducersRequest: RequestMessage {
    static let api = APIKey.describeProducers

    var topics: [Topic]

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        topics = try reader.array { (reader) throws(WireError) in
            try Topic(from: &reader, version: version)
        }
        try reader.tags()
    }

    struct Topic {
        var name: String
        var partitionIndexes: [Int32]

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            name = try reader.string()
            partitionIndexes = try reader.int32Array()
            try reader.tags()
        }
    }
}
