/// The settings of a topic: what was set for it over the broker's defaults, under Apache Kafka's names.
struct TopicSettings: Hashable, Codable {
    /// What was set for this topic, as text.
    private(set) var overrides: [String: String] = [:]
    private(set) var maxMessageBytes: Int64
    private(set) var compacts = false
    private(set) var deletes = true
    private(set) var retentionMilliseconds: Int64 = 604_800_000
    private(set) var retentionBytes: Int64 = -1
    private(set) var segmentBytes: Int64
    private(set) var segmentMilliseconds: Int64 = 604_800_000
    private(set) var usesAppendTime = false
    private(set) var minInsyncReplicas: Int64 = 1
    private(set) var timestampBeforeMaxMilliseconds: Int64 = .max
    private(set) var timestampAfterMaxMilliseconds: Int64 = 3_600_000
    private(set) var deleteRetentionMilliseconds: Int64 = 86_400_000
    private(set) var minCleanableDirtyRatio = 0.5

    /// The settings of a topic that says nothing, on a broker with these.
    init(maxMessageBytes: Int, retentionBytes: Int64) {
        self.maxMessageBytes = Int64(maxMessageBytes)
        self.retentionBytes = retentionBytes
        // Smaller than Apache Kafka's: only whole segments go, and what is kept is in memory.
        let segment = retentionBytes < 0 ? Self.largestSegment : min(Self.largestSegment, retentionBytes / 4)
        segmentBytes = max(segment, 1 << 20, Int64(maxMessageBytes))
    }

    private static let largestSegment: Int64 = 64 << 20

    /// Sets one value, or returns false if the name is unknown or the value not allowed.
    mutating func set(_ name: String, _ value: String) -> Bool {
        guard apply(name, value) else { return false }
        overrides[name] = value
        return true
    }

    private mutating func apply(_ name: String, _ value: String) -> Bool {
        switch name {
        case "cleanup.policy":
            let parts = Set(value.split(separator: ",").map { $0.filter { $0 != " " } })
            guard !parts.isEmpty, parts.isSubset(of: ["compact", "delete"]) else { return false }
            compacts = parts.contains("compact")
            deletes = parts.contains("delete")
        case "message.timestamp.type":
            guard ["CreateTime", "LogAppendTime"].contains(value) else { return false }
            usesAppendTime = value == "LogAppendTime"
        case "compression.type":
            // The log keeps what producers sent; recompressing would change none of the promises under test.
            return ["producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"].contains(value)
        case "min.cleanable.dirty.ratio":
            guard let ratio = Double(value), (0...1).contains(ratio) else { return false }
            minCleanableDirtyRatio = ratio
        case "unclean.leader.election.enable", "preallocate":
            return ["true", "false"].contains(value)
        case "leader.replication.throttled.replicas", "follower.replication.throttled.replicas":
            return true
        case "segment.index.bytes", "segment.jitter.ms", "index.interval.bytes", "file.delete.delay.ms",
            "flush.messages", "flush.ms", "min.compaction.lag.ms", "max.compaction.lag.ms", "local.retention.ms",
            "local.retention.bytes":
            return Int64(value) != nil
        default:
            guard let (path, range) = Self.numbers[name], let number = Int64(value), range.contains(number) else {
                return false
            }
            self[keyPath: path] = number
        }
        return true
    }

    private typealias Number = (path: any WritableKeyPath<TopicSettings, Int64> & Sendable, range: ClosedRange<Int64>)

    /// The settings that are numbers, and what they may be.
    private static let numbers: [String: Number] = [
        "delete.retention.ms": (\.deleteRetentionMilliseconds, 0...(.max)),
        "max.message.bytes": (\.maxMessageBytes, 0...(.max)),
        "message.timestamp.after.max.ms": (\.timestampAfterMaxMilliseconds, 0...(.max)),
        "message.timestamp.before.max.ms": (\.timestampBeforeMaxMilliseconds, 0...(.max)),
        "min.insync.replicas": (\.minInsyncReplicas, 1...(.max)),
        "retention.bytes": (\.retentionBytes, -1...(.max)),
        "retention.ms": (\.retentionMilliseconds, -1...(.max)),
        "segment.bytes": (\.segmentBytes, 14...Int64(Int32.max)),
        "segment.ms": (\.segmentMilliseconds, 1...(.max)),
    ]

    /// Every setting with its present value, for `DescribeConfigs`, in the order of their names.
    var described: [(name: String, value: String)] {
        var values: [String: String] = [
            "cleanup.policy": [compacts ? "compact" : nil, deletes ? "delete" : nil].compactMap(\.self)
                .joined(separator: ","),
            "compression.type": "producer",
            "message.timestamp.type": usesAppendTime ? "LogAppendTime" : "CreateTime",
            "min.cleanable.dirty.ratio": String(minCleanableDirtyRatio),
        ]
        for (name, number) in Self.numbers { values[name] = String(self[keyPath: number.path]) }
        for (name, value) in overrides { values[name] = value }
        return values.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
