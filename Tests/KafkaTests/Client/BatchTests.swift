import TestSupport
import Testing

@testable import Kafka

@Suite struct BatchTests {
    private func report(_ index: Int) -> ArraySlice<Report> {
        [Report(opaque: BatchSlots.opaque(slot: 0, index: index), offset: 0, partition: 0, code: 0)][...]
    }

    @Test func `a batch waits from its first record or its latest report`() throws {
        let batch = Batch(slot: 0, source: Blanks(4))
        #expect(batch.waitingSince == nil)
        batch.announce(3)
        let first = try #require(batch.waitingSince)
        batch.announce(1)
        #expect(batch.waitingSince == first)
        _ = batch.retract(1, failure: nil)
        #expect(batch.waitingSince == first, "what was not taken changes nothing")
        _ = batch.take(report(0), fatal: nil)
        #expect(try #require(batch.waitingSince) > first)
        _ = batch.take(report(2), fatal: nil)
        _ = batch.take(report(1), fatal: nil)
        #expect(batch.waitingSince == nil)
    }

    @Test func `a batch of which nothing was taken does not wait`() {
        let batch = Batch(slot: 0, source: Blanks(2))
        batch.announce(2)
        _ = batch.retract(2, failure: nil)
        #expect(batch.waitingSince == nil)
    }
}
