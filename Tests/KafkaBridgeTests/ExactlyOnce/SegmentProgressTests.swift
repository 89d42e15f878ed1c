import EventSourcing
import FoundationEssentials
import TestSupport
import Testing

@testable import Consumers
@testable import KafkaBridge

/// What a progress says of events, and how it is written.
@Suite struct SegmentProgressTests {
    private func event(_ position: Int64, _ type: String) throws -> EventBatch {
        try EventBatch([
            PersistedEvent(
                globalPosition: position, boundedContext: "c", aggregateType: type, aggregateID: "a",
                aggregateVersion: position, eventType: "e", payload: [],
                createdAt: Date(timeIntervalSince1970: 1))
        ])
    }

    private func reference(_ position: Int64) -> EventReference { EventReference(position: position, eventID: UUID()) }

    private func covers(_ progress: SegmentProgress, _ position: Int64, _ type: String) throws -> Bool {
        progress.covers(try event(position, type)[0])
    }

    @Test func `what another scope wanted is not taken for delivered`() throws {
        let (users, all) = (EventScope(aggregateTypes: ["User"]), EventScope.all)
        var progress = SegmentProgress(lineage: "l", epoch: 1, transactionalID: "t")
        progress.advance(to: reference(100), scope: users, redriven: [])
        #expect(try covers(progress, 100, "User"))
        #expect(try !covers(progress, 101, "User"))
        #expect(try !covers(progress, 90, "Order"))
        // The new scope comes after, and has not come as far yet.
        progress.advance(to: reference(90), scope: all, redriven: [])
        #expect(try covers(progress, 90, "Order"))
        #expect(try !covers(progress, 95, "Order"))
        #expect(try covers(progress, 95, "User"))
        #expect(progress.covers.count == 2)
        progress.advance(to: reference(120), scope: all, redriven: [])
        #expect(progress.covers.count == 1)
        #expect(try covers(progress, 119, "Order"))
        #expect(progress.last?.position == 120)
    }

    @Test func `what was parked is for the table of dead letters to say`() throws {
        var progress = SegmentProgress(lineage: "l", epoch: 1, transactionalID: "t")
        progress.advance(to: reference(1_000), scope: .all, redriven: [])
        for position in stride(from: Int64(999), to: 500, by: -2) { progress.parked.insert(position) }
        progress.parked.insert(999)
        #expect(progress.parked.all == Array(stride(from: 501, through: 999, by: 2)))
        #expect(try !covers(progress, 901, "User"))
        #expect(try covers(progress, 900, "User"))
        #expect(try SegmentProgress(value: progress.value(of: "c", 0)) == progress)
    }

    @Test func `of what is parked only that is forgotten which a checkpoint has passed, and not the last of it`() {
        var progress = SegmentProgress(lineage: "l", epoch: 1, transactionalID: "t")
        let count = Int64(ParkedPositions.kept + 100)
        for position in 1...count { progress.parked.insert(position * 10) }
        progress.parked.forget(through: 505)
        #expect(progress.parked.all.first == 510)
        #expect(progress.parked.forgotten == 500)
        progress.parked.forget(through: 510)
        #expect(progress.parked.forgotten == 510)
        progress.parked.forget(through: .max)
        #expect(progress.parked.all.count == ParkedPositions.kept)
        #expect(progress.parked.forgotten == 1_000)
        progress.parked.insert(5)
        progress.parked.forget(through: 5)
        #expect(progress.parked.forgotten == 1_000, "it never goes back")
    }

    @Test func `a progress is read as it was written`() throws {
        var progress = SegmentProgress(lineage: "l/1", epoch: 7, transactionalID: "godwit-orders-1")
        progress.advance(
            to: reference(5), scope: EventScope(aggregateTypes: ["Bestellung \"ß\""], boundedContexts: ["Shop"]),
            redriven: [3, 1])
        progress.advance(to: nil, scope: .all, redriven: [2])
        #expect(progress.redriven == [1, 2, 3])
        progress.noteRedriven([1, 9])
        let read = try SegmentProgress(value: try progress.value(of: "orders", 4))
        #expect(read == progress)
        #expect(read.redriven == [2, 3])
        #expect(read.noted == [1])
        #expect(String(decoding: progress.key(of: "orders", 4), as: UTF8.self) == "orders/4/l/1")
    }

    @Test(arguments: ["", "{}", "null", "[1]", #"{"consumer":"c","segment":0}"#])
    func `what is no progress is an error`(_ text: String) {
        #expect(throws: (any Error).self) { try SegmentProgress(value: Array(text.utf8)) }
    }
}
