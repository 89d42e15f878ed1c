import EventSourcing
import FoundationEssentials
import Testing

@testable import KafkaBridge

@Suite struct EventExaminationTests {
    private func destination(_ payload: String, _ filter: EventFilter) throws -> Result<Int, Rejection> {
        var router = Router(Route(topic: try TopicTemplate("t")))
        let events = try EventBatch([
            PersistedEvent(
                globalPosition: 1, boundedContext: "Shop", aggregateType: "Order", aggregateID: "1",
                aggregateVersion: 1,
                eventID: UUID(), eventType: "Placed", eventVersion: 1, payload: Array(payload.utf8), traceID: nil,
                correlationID: nil, causationID: nil, metadata: nil, createdAt: Date(timeIntervalSince1970: 0))
        ])
        return router.destination(of: events[0], filter, mayHaveDefects: false)
    }

    @Test func `what a filter cannot decide has no record, and what it leaves out by now has none either`() throws {
        let filter = EventFilter(conditions: [EventCondition(.payload, try JSONPointer("/t"), oneOf: ["x"])])
        #expect(try destination(#"{"t":"x"}"#, filter) == .success(0))
        #expect(try destination("no JSON", filter) == .failure(.undecidable))
        // Corrected while it was parked.
        #expect(try destination(#"{"t":"others"}"#, filter) == .failure(.unwanted))
        #expect(try destination(#"{"t":"x"}"#, EventFilter(eventTypes: ["Paid"])) == .failure(.unwanted))
    }
}
