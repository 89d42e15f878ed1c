import Consumers
import EventSourcing
import FoundationEssentials
import Synchronization
import Testing

/// A batch that a test makes, as a test of one's own consumer does.
@Suite struct FeedBatchTests {
    private func event(_ position: Int64, _ aggregate: String, metadata: String? = nil) -> PersistedEvent {
        PersistedEvent(
            globalPosition: position, boundedContext: "Identity", aggregateType: "User", aggregateID: aggregate,
            aggregateVersion: 3, eventType: "Registered", eventVersion: 2, payload: Array("{\"é\":0}".utf8),
            traceID: "t", correlationID: "", metadata: metadata, createdAt: Date(timeIntervalSince1970: 1_700_000_000.5)
        )
    }

    @Test func `its events come out as they went in, each with its segment`() throws {
        let events = [event(4, "a", metadata: #"{"k": 1}"#), event(7, "日本"), event(9, "c")]
        let batch = try FeedBatch(events, totalSegments: 4)
        #expect(batch.map(\.event) == events)
        for event in batch {
            let id = Array(event.aggregateID.utf8)
            #expect(event.segment == FNV1aPartitionStrategy().segment(of: id.span.bytes, totalSegments: 4))
        }
        #expect(batch.count == 3 && batch.first?.globalPosition == 4 && batch[2].payload == events[2].payload)
        #expect(batch.through == 9)
    }

    @Test func `a batch may be empty`() throws {
        let batch = try FeedBatch([])
        #expect(batch.isEmpty && batch.first == nil)
    }

    /// Sends what is registered.
    private final class Mailer: IntegrationConsumer {
        let name = "mailer"
        let scope = EventScope.all
        let sent = Mutex<[String]>([])

        func publish(_ batch: FeedBatch) async throws -> Publication {
            for event in batch where event.eventType == "Registered" {
                sent.withLock { $0.append(event.aggregateID) }
            }
            return .acknowledged
        }
    }

    @Test func `a publish of one's own is tested without a database`() async throws {
        let mailer = Mailer()
        let publication = try await mailer.publish(FeedBatch([event(1, "a"), event(2, "b")]))
        #expect(try await publication.waitForAcknowledgement() == .done)
        #expect(mailer.sent.withLock { $0 } == ["a", "b"])
    }

    @Test func `an event is made of one that is to be appended`() {
        let event = Event(
            boundedContext: "Identity", aggregateType: "User", aggregateID: "a", eventType: "Registered",
            payload: [1], traceID: "t", causationID: "c", metadata: "{}", createdAt: Date(timeIntervalSince1970: 1))
        let persisted = PersistedEvent(event, globalPosition: 5, aggregateVersion: 2)
        #expect(persisted.globalPosition == 5 && persisted.aggregateVersion == 2)
        #expect(persisted.aggregate == event.aggregate && persisted.eventID == event.eventID)
        #expect(persisted.payload == [1] && persisted.causationID == "c" && persisted.createdAt == event.createdAt)
        let stream = Stream(aggregate: event.aggregate, events: [persisted])
        #expect(stream.version == 2)
    }
}
