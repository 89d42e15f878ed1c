package import KafkaBridge

/// Settings of the topics that are made: `kafka.topics.settings`, and a consumer's `topic_settings`, which win.
package struct TopicSettingsSection: Sendable, Hashable {
    /// Brokers' settings by their names, such as `cleanup.policy`.
    package var settings: [String: String]
    /// Nil as for all consumers.
    package var partitions: Int?
    package var replicationFactor: Int?

    /// How many partitions and replicas a topic gets, which are no settings of brokers.
    private static let partitionsKey = "partitions"
    private static let replicationKey = "replication_factor"

    init() { settings = [:] }

    init(_ path: ConfigurationPath, _ values: inout ConfigurationValues, takesCounts: Bool) {
        settings = values.properties(path)
        for key in [Self.partitionsKey, Self.replicationKey] {
            guard let text = settings.removeValue(forKey: key) else { continue }
            let place = ConfigurationPath(path.words + [key])
            guard takesCounts else {
                values.problem(place, "is no setting of a topic; set \"kafka.topics.\(key)\"")
                continue
            }
            let most = key == Self.partitionsKey ? 100_000 : 100
            guard let number = Int(text), (1...most).contains(number) else {
                values.problem(place, "is \"\(Concealed.text(text))\", but must be in the range 1 to \(most)")
                continue
            }
            if key == Self.partitionsKey { partitions = number } else { replicationFactor = number }
        }
        for name in settings.keys.sorted() where !Self.isSettingName(name) {
            values.problem(
                ConfigurationPath(path.words + [name]),
                "is no name of a topic's setting: they have letters, digits, `.` and `-`, for example retention.ms")
        }
    }

    private static func isSettingName(_ name: String) -> Bool {
        !name.isEmpty
            && name.unicodeScalars.allSatisfy { scalar in
                switch scalar {
                case "a"..."z", "A"..."Z", "0"..."9", ".", "-": true
                default: false
                }
            }
    }

    /// The policy, with these settings over its own.
    func over(_ policy: TopicPolicy) -> TopicPolicy {
        guard case .create(let partitions, let replicationFactor, let settings) = policy else { return policy }
        return .create(
            partitions: self.partitions ?? partitions, replicationFactor: self.replicationFactor ?? replicationFactor,
            settings: settings.merging(self.settings) { $1 })
    }
}
