/// The request of `DeleteTopics`, versions 0 to 6.
struct DeleteTopicsRequest: RequestMessage {
    static let api = APIKey.deleteTopics

    var topics: [DeleteTopicState] = []
    var topicNames: [String] = []
    var timeoutMilliseconds: Int32

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        if version >= 6 {
            topics = try reader.array { (reader) throws(WireError) in
                try DeleteTopicState(from: &reader, version: version)
            }
        }
        if version <= 5 { topicNames = try reader.stringArray() }
        timeoutMilliseconds = try reader.int32()
        try reader.tags()
    }

    struct DeleteTopicState {
        var name: String? = nil
        var topicID: KafkaUUID = .zero

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            if version >= 6 { name = try reader.nullableString() }
            if version >= 6 { topicID = try reader.uuid() }
            try reader.tags()
        }
    }
}
