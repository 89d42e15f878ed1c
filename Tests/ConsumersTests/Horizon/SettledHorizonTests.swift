import TestSupport
import Testing

@testable import Consumers

@Suite struct SettledHorizonTests {
    private let a = Writer(virtualTransaction: "3/1", isPrepared: false)
    private let b = Writer(virtualTransaction: "4/1", isPrepared: false)
    private let prepared = Writer(virtualTransaction: "-1/700", isPrepared: true)
    private let otherPrepared = Writer(virtualTransaction: "-1/701", isPrepared: true)

    @Test func `with nobody writing, one look settles everything drawn`() {
        var horizon = SettledHorizon()
        horizon.look(lastDrawn: 1000, writers: [])
        #expect(horizon.position == 1000)
        #expect(!horizon.isWaiting)
    }

    @Test func `a fence waits for its own writers and not for later ones`() {
        var horizon = SettledHorizon()
        horizon.look(lastDrawn: 10, writers: [a])
        #expect(horizon.position == 0)
        horizon.look(lastDrawn: 20, writers: [a, b])
        #expect(horizon.position == 0)
        horizon.look(lastDrawn: 30, writers: [b])
        #expect(horizon.position == 10)
        #expect(horizon.heldBackBy == [b])
    }

    @Test func `positions without a gap are settled below an open fence`() {
        var horizon = SettledHorizon()
        horizon.look(lastDrawn: 10, writers: [a])
        horizon.sawVisible([1, 2, 3, 5, 6])
        #expect(horizon.position == 3)
        #expect(horizon.isWaiting)
    }

    @Test func `a writer that prepares goes on holding the fence`() {
        var horizon = SettledHorizon()
        horizon.look(lastDrawn: 10, writers: [a, otherPrepared])
        horizon.look(lastDrawn: 10, writers: [prepared, otherPrepared])
        horizon.look(lastDrawn: 10, writers: [prepared])
        #expect(horizon.position == 0)
        horizon.look(lastDrawn: 10, writers: [])
        #expect(horizon.position == 10)
    }

    @Test func `a writer that is listed under both names while it prepares goes on holding the fence`() {
        var horizon = SettledHorizon()
        horizon.look(lastDrawn: 10, writers: [a])
        horizon.look(lastDrawn: 10, writers: [a, prepared])
        horizon.look(lastDrawn: 10, writers: [prepared])
        #expect(horizon.position == 0)
        horizon.look(lastDrawn: 10, writers: [])
        #expect(horizon.position == 10)
    }

    @Test func `later prepared transactions do not keep a fence open for ever`() {
        var horizon = SettledHorizon()
        horizon.look(lastDrawn: 10, writers: [a])
        horizon.look(lastDrawn: 11, writers: [prepared])
        horizon.look(lastDrawn: 12, writers: [otherPrepared])
        #expect(horizon.position == 11, "the one that may have been `a` has ended")
    }

    @Test func `however long one writer stays, the fences are bounded and the horizon comes after it`() {
        var horizon = SettledHorizon()
        for last in 1...1000 { horizon.look(lastDrawn: Int64(last), writers: [a]) }
        horizon.look(lastDrawn: 1000, writers: [])
        #expect(horizon.position == 1000)
    }

    // MARK: Generated histories

    @Test func `no position at or below the horizon ever appears late`() {
        for seed in seeds(4_000, of: "writers' histories") {
            var history = WriterHistory(seed: seed)
            let violations = history.run(steps: 300)
            let settles = history.settlesWhenQuiet()
            guard violations.isEmpty, settles else {
                Issue.record("GODWIT_SEED=\(seed): \(violations), settles: \(settles)")
                return
            }
        }
    }

    @Test func `the generated histories find the fault when locks are read before the sequence`() {
        #expect(finds(WriterHistory.Look(isSequenceFirst: false)))
    }

    @Test func `the generated histories find the fault when prepared transactions are overlooked`() {
        #expect(finds(WriterHistory.Look(seesPrepared: false)))
    }

    @Test func `the generated histories find the fault when the last value is read too high`() {
        #expect(finds(WriterHistory.Look(mayReadAhead: true)))
    }

    @Test func `the generated histories find the fault when the table's lock is listed instead of the sequence's`() {
        #expect(finds(WriterHistory.Look(lock: .table)))
    }

    private func finds(_ look: WriterHistory.Look) -> Bool {
        (0..<200 as Range<UInt64>).contains { seed in
            var history = WriterHistory(seed: seed, look)
            return !history.run(steps: 300).isEmpty
        }
    }
}
