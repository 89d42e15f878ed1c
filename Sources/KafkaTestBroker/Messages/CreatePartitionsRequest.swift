/// The request of `CreatePartitions`, versions 0 to 3.
struct CreatePartitionsRequest: RequestMessage {
    static let api = APIKey.createPartitions

    var topics: [CreatePartitionsTopic]
    var timeoutMilliseconds: Int32
    var validateOnly: Bool

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        topics = try reader.array { (reader) throws(WireError) in
            try CreatePartitionsTopic(from: &reader, version: version)
        }
        timeoutMilliseconds = try reader.int32()
        validateOnly = try reader.bool()
        try reader.tags()
    }

    struct CreatePartitionsTopic {
        var name: String
        var count: Int32
        var assignments: [CreatePartitionsAssignment]?

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            name = try reader.string()
            count = try reader.int32()
            assignments = try reader.nullableArray { (reader) throws(WireError) in
                try CreatePartitionsAssignment(from: &reader, version: version)
            }
            try reader.tags()
        }
    }

    struct CreatePartitionsAssignment {
        var brokerIDs: [Int32]

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            brokerIDs = try reader.int32Array()
            try reader.tags()
        }
    }
}
