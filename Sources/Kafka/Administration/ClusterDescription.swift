/// The brokers and topics of a cluster, as this client may see them.
package struct ClusterDescription: Sendable, Equatable {
    package struct Broker: Sendable, Equatable {
        package let id: Int32
        package let address: String
    }

    package let brokers: [Broker]
    package let topics: [TopicDescription]
}
