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
