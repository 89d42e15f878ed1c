/// A topic to be created.
package struct TopicSpecification: Sendable, Equatable {
    package var name: String
    package var partitions: Int
    /// Nil takes the cluster's default.
    package var replicationFactor: Int?
    /// Topic settings, such as `cleanup.policy: compact`.
    package var settings: [String: String]

    package init(_ name: String, partitions: Int, replicationFactor: Int? = nil, settings: [String: String] = [:]) {
        self.name = name
        self.partitions = partitions
        self.replicationFactor = replicationFactor
        self.settings = settings
    }
}
