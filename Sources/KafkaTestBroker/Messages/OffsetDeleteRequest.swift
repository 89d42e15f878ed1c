/// The request of `OffsetDelete`, versions 0 to 0.
struct OffsetDeleteRequest: RequestMessage {
    static let api = APIKey.offsetDelete

    var groupID: String
    var topics: [Topic]

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        groupID = try reader.string()
        topics = try reader.array { (reader) throws(WireError) in
            try Topic(from: &reader, version: version)
        }
        try reader.tags()
    }

    struct Topic {
        var name: String
        var partitions: [Partition]

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            name = try reader.string()
            partitions = try reader.array { (reader) throws(WireError) in
                try Partition(from: &reader, version: version)
            }
            try reader.tags()
        }
    }

    struct Partition {
        var partitionIndex: Int32

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            partitionIndex = try reader.int32()
            try reader.tags()
        }
    }
}
