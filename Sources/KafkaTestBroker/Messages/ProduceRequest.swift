import NIOCore

/// The request of `Produce`, versions 3 to 13.
struct ProduceRequest: RequestMessage {
    static let api = APIKey.produce

    var transactionalID: String?
    var acks: Int16
    var timeoutMilliseconds: Int32
    var topicData: [TopicProduceData]

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        transactionalID = try reader.nullableString()
        acks = try reader.int16()
        timeoutMilliseconds = try reader.int32()
        topicData = try reader.array { (reader) throws(WireError) in
            try TopicProduceData(from: &reader, version: version)
        }
        try reader.tags()
    }

    struct TopicProduceData {
        var name: String = ""
        var topicID: KafkaUUID = .zero
        var partitionData: [PartitionProduceData]

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            if version <= 12 { name = try reader.string() }
            if version >= 13 { topicID = try reader.uuid() }
            partitionData = try reader.array { (reader) throws(WireError) in
                try PartitionProduceData(from: &reader, version: version)
            }
            try reader.tags()
        }
    }

    struct PartitionProduceData {
        var index: Int32
        var records: ByteBuffer?

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            index = try reader.int32()
            records = try reader.nullableBytes()
            try reader.tags()
        }
    }
}
