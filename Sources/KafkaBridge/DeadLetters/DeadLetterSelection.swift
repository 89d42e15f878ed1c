/// Which dead letters are meant; what is not given does not matter.
package struct DeadLetterSelection: Sendable, Hashable {
    package var consumer: String?
    package var position: Int64?
    package var aggregateID: String?
    package var aggregateType: String?
    package var boundedContext: String?

    package init(
        consumer: String? = nil, position: Int64? = nil, aggregateID: String? = nil, aggregateType: String? = nil,
        boundedContext: String? = nil
    ) {
        self.consumer = consumer
        self.position = position
        self.aggregateID = aggregateID
        self.aggregateType = aggregateType
        self.boundedContext = boundedContext
    }
}

/// A place in the order of consumers and positions, from which a list goes on.
package struct DeadLetterPlace: Sendable, Hashable {
    package let consumer: String
    package let position: Int64

    package init(consumer: String = "", position: Int64 = 0) {
        self.consumer = consumer
        self.position = position
    }
}
