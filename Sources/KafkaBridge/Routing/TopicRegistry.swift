/// Remembers which inputs made which topic, and finds two that meet in one.
///
/// Sanitizing and filters lose information: `Order Line` and `Order_Line` would share a topic without anybody having
/// meant it, and `a.b` and `a_b` cannot exist beside each other in one cluster.
package struct TopicRegistry: Sendable {
    package struct Collision: Error, Sendable, Hashable, CustomStringConvertible {
        package let topic: String
        package let first: [String]
        package let second: [String]

        package var description: String {
            "\(Self.list(first)) and \(Self.list(second)) would both go to the topic `\(topic)`; "
                + "give one of them a topic of its own"
        }

        private static func list(_ values: [String]) -> String { values.map { "`\($0)`" }.joined(separator: " + ") }
    }

    private var owners: [String: (topic: TopicName, inputs: [String])] = [:]

    package init() {}

    /// Notes that these inputs make this topic. A name that is written out has no inputs and meets nobody by accident:
    /// who writes a name that another route makes means it.
    package mutating func enter(_ topic: TopicName, inputs: [String]) throws(Collision) {
        guard let owner = owners[topic.metricName] else {
            owners[topic.metricName] = (topic, inputs)
            return
        }
        let isSame = owner.inputs == inputs || owner.inputs.isEmpty || inputs.isEmpty
        guard owner.topic == topic, isSame else {
            throw Collision(
                topic: topic.description, first: owner.inputs.isEmpty ? [owner.topic.description] : owner.inputs,
                second: inputs.isEmpty ? [topic.description] : inputs)
        }
        if owner.inputs.isEmpty { owners[topic.metricName] = (topic, inputs) }
    }
}
