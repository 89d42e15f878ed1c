/// What happens to a topic that does not exist when events are to go there.
package enum TopicPolicy: Sendable, Hashable {
    /// It is waited for, and its absence is said.
    case mustExist
    /// It is created.
    ///
    /// - Parameter replicationFactor: Nil takes the cluster's default.
    case create(partitions: Int, replicationFactor: Int? = nil, settings: [String: String] = [:])
}
