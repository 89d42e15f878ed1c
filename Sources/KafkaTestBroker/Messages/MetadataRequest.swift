/// The request of `Metadata`, versions 0 to 13.
struct MetadataRequest: RequestMessage {
    static let api = APIKey.metadata

    var topics: [Topic]?
    var allowAutoTopicCreation: Bool = true
    var includeClusterAuthorizedOperations: Bool = false
    var includeTopicAuthorizedOperations: Bool = false

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        topics = try reader.nullableArray { (reader) throws(WireError) in
            try Topic(from: &reader, version: version)
        }
        if version >= 4 { allowAutoTopicCreation = try reader.bool() }
        if (8...10).contains(version) { includeClusterAuthorizedOperations = try reader.bool() }
        if version >= 8 { includeTopicAuthorizedOperations = try reader.bool() }
        try reader.tags()
    }

    struct Topic {
        var topicID: KafkaUUID = .zero
        var name: String?

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            if version >= 10 { topicID = try reader.uuid() }
            name = try reader.nullableString()
            try reader.tags()
        }
    }
}
