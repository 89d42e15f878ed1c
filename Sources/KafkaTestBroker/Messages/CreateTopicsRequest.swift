/// The request of `CreateTopics`, versions 0 to 7.
struct CreateTopicsRequest: RequestMessage {
    static let api = APIKey.createTopics

    var topics: [CreatableTopic]
    var timeoutMilliseconds: Int32
    var validateOnly: Bool = false

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        topics = try reader.array { (reader) throws(WireError) in
            try CreatableTopic(from: &reader, version: version)
        }
        timeoutMilliseconds = try reader.int32()
        if version >= 1 { validateOnly = try reader.bool() }
        try reader.tags()
    }

    struct CreatableTopic {
        var name: String
        var numPartitions: Int32
        var replicationFactor: Int16
        var assignments: [CreatableReplicaAssignment]
        var configs: [CreatableTopicConfig]

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            name = try reader.string()
            numPartitions = try reader.int32()
            replicationFactor = try reader.int16()
            assignments = try reader.array { (reader) throws(WireError) in
                try CreatableReplicaAssignment(from: &reader, version: version)
            }
            configs = try reader.array { (reader) throws(WireError) in
                try CreatableTopicConfig(from: &reader, version: version)
            }
            try reader.tags()
        }
    }

    struct CreatableReplicaAssignment {
        var partitionIndex: Int32
        var brokerIDs: [Int32]

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            partitionIndex = try reader.int32()
            brokerIDs = try reader.int32Array()
            try reader.tags()
        }
    }

    struct CreatableTopicConfig {
        var name: String
        var value: String?

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            name = try reader.string()
            value = try reader.nullableString()
            try reader.tags()
        }
    }
}
