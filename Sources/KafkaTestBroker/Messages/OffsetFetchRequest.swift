/// The request of `OffsetFetch`, versions 1 to 10.
struct OffsetFetchRequest: RequestMessage {
    static let api = APIKey.offsetFetch

    var groupID: String = ""
    var topics: [Topic]? = nil
    var groups: [Group] = []
    var requireStable: Bool = false

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        if version <= 7 { groupID = try reader.string() }
        if version <= 7 {
            topics = try reader.nullableArray { (reader) throws(WireError) in
                try Topic(from: &reader, version: version)
            }
        }
        if version >= 8 {
            groups = try reader.array { (reader) throws(WireError) in
                try Group(from: &reader, version: version)
            }
        }
        if version >= 7 { requireStable = try reader.bool() }
        try reader.tags()
    }

    struct Topic {
        var name: String = ""
        var partitionIndexes: [Int32] = []

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            if version <= 7 { name = try reader.string() }
            if version <= 7 { partitionIndexes = try reader.int32Array() }
            try reader.tags()
        }
    }

    struct Group {
        var groupID: String = ""
        var memberID: String? = nil
        var memberEpoch: Int32 = -1
        var topics: [Topics]? = nil

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            if version >= 8 { groupID = try reader.string() }
            if version >= 9 { memberID = try reader.nullableString() }
            if version >= 9 { memberEpoch = try reader.int32() }
            if version >= 8 {
                topics = try reader.nullableArray { (reader) throws(WireError) in
                    try Topics(from: &reader, version: version)
                }
            }
            try reader.tags()
        }
    }

    struct Topics {
        var name: String = ""
        var topicID: KafkaUUID = .zero
        var partitionIndexes: [Int32] = []

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            if (8...9).contains(version) { name = try reader.string() }
            if version >= 10 { topicID = try reader.uuid() }
            if version >= 8 { partitionIndexes = try reader.int32Array() }
            try reader.tags()
        }
    }
}
