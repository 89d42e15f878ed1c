/// The request of `DeleteRecords`, versions 0 to 2.
struct DeleteRecordsRequest: RequestMessage {
    static let api = APIKey.deleteRecords

    var topics: [DeleteRecordsTopic]
    var timeoutMilliseconds: Int32

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        topics = try reader.array { (reader) throws(WireError) in
            try DeleteRecordsTopic(from: &reader, version: version)
        }
        timeoutMilliseconds = try reader.int32()
        try reader.tags()
    }

    struct DeleteRecordsTopic {
        var name: String
        var partitions: [DeleteRecordsPartition]

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            name = try reader.string()
            partitions = try reader.array { (reader) throws(WireError) in
                try DeleteRecordsPartition(from: &reader, version: version)
            }
            try reader.tags()
        }
    }

    struct DeleteRecordsPartition {
        var partitionIndex: Int32
        var offset: Int64

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            partitionIndex = try reader.int32()
            offset = try reader.int64()
            try reader.tags()
        }
    }
}
