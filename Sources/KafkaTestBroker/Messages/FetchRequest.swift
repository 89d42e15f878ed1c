/// The request of `Fetch`, versions 4 to 18.
struct FetchRequest: RequestMessage {
    static let api = APIKey.fetch

    var replicaID: Int32 = -1
    var maxWaitMilliseconds: Int32
    var minBytes: Int32
    var maxBytes: Int32
    var isolationLevel: Int8
    var sessionID: Int32 = 0
    var sessionEpoch: Int32 = -1
    var topics: [FetchTopic]
    var forgottenTopicsData: [ForgottenTopic] = []
    var rackID: String = ""

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        if version <= 14 { replicaID = try reader.int32() }
        maxWaitMilliseconds = try reader.int32()
        minBytes = try reader.int32()
        maxBytes = try reader.int32()
        isolationLevel = try reader.int8()
        if version >= 7 { sessionID = try reader.int32() }
        if version >= 7 { sessionEpoch = try reader.int32() }
        topics = try reader.array { (reader) throws(WireError) in
            try FetchTopic(from: &reader, version: version)
        }
        if version >= 7 {
            forgottenTopicsData = try reader.array { (reader) throws(WireError) in
                try ForgottenTopic(from: &reader, version: version)
            }
        }
        if version >= 11 { rackID = try reader.string() }
        try reader.tags()
    }

    struct FetchTopic {
        var topic: String = ""
        var topicID: KafkaUUID = .zero
        var partitions: [FetchPartition]

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            if version <= 12 { topic = try reader.string() }
            if version >= 13 { topicID = try reader.uuid() }
            partitions = try reader.array { (reader) throws(WireError) in
                try FetchPartition(from: &reader, version: version)
            }
            try reader.tags()
        }
    }

    struct FetchPartition {
        var partition: Int32
        var currentLeaderEpoch: Int32 = -1
        var fetchOffset: Int64
        var lastFetchedEpoch: Int32 = -1
        var logStartOffset: Int64 = -1
        var partitionMaxBytes: Int32

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            partition = try reader.int32()
            if version >= 9 { currentLeaderEpoch = try reader.int32() }
            fetchOffset = try reader.int64()
            if version >= 12 { lastFetchedEpoch = try reader.int32() }
            if version >= 5 { logStartOffset = try reader.int64() }
            partitionMaxBytes = try reader.int32()
            try reader.tags()
        }
    }

    struct ForgottenTopic {
        var topic: String = ""
        var topicID: KafkaUUID = .zero
        var partitions: [Int32] = []

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            if (7...12).contains(version) { topic = try reader.string() }
            if version >= 13 { topicID = try reader.uuid() }
            if version >= 7 { partitions = try reader.int32Array() }
            try reader.tags()
        }
    }
}
