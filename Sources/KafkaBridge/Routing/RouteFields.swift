/// What a route may look at: the fields of an event that have few values, so that topics stay few.
package struct RouteFields: Sendable, Hashable {
    package var boundedContext: String
    package var aggregateType: String
    package var eventType: String
    package var eventVersion: Int32

    package init(boundedContext: String, aggregateType: String, eventType: String, eventVersion: Int32 = 1) {
        self.boundedContext = boundedContext
        self.aggregateType = aggregateType
        self.eventType = eventType
        self.eventVersion = eventVersion
    }
}
