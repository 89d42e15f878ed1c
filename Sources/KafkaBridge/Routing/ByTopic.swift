/// Values by a topic's index in the ``Router``.
struct ByTopic<Value: Sendable>: Sendable {
    private var values: [Value?] = []

    /// The values there are.
    var all: some Sequence<Value> { values.lazy.compactMap { $0 } }

    subscript(topic: Int) -> Value? {
        get { topic < values.count ? values[topic] : nil }
        set {
            while values.count <= topic { values.append(nil) }
            values[topic] = newValue
        }
    }

    mutating func removeAll() { values.removeAll() }
}
