import EventSourcing
import TestSupport
import Testing

@testable import Consumers

/// Batches without wanted events take no place behind one that is not acknowledged.
@Suite struct PendingBatchesTests {
    private struct Batch: Sendable {
        let claims: [SegmentClaim]
        let through: Int64
        var isEmpty = false
    }

    private func claims(_ segments: Int..., attempt: Int = 0) -> [SegmentClaim] {
        segments.map { SegmentClaim(segment: $0, epoch: 1, attempt: attempt) }
    }

    @Test func `a thousand batches without events are one entry behind the one that is not acknowledged`() {
        var pending = PendingBatches<Batch>()
        let follows = pending.follow(claims(0, 1), through: 5)
        #expect(!follows, "there is nothing to follow")
        pending.append(Batch(claims: claims(0, 1), through: 10))
        for position in 11...1_010 { _ = pending.follow(claims(0, 1), through: Int64(position)) }
        #expect(pending.count == 1 && pending.first?.through == 10)
        let passages = pending.removeFirst()
        #expect(passages == [.init(claims: claims(0, 1), position: 1_010)])
        #expect(pending.count == 0 && pending.first == nil)
    }

    @Test func `a segment that is no longer served keeps the end that it had`() {
        var pending = PendingBatches<Batch>()
        pending.append(Batch(claims: claims(0, 1), through: 10))
        _ = pending.follow(claims(0, 1), through: 11)
        _ = pending.follow(claims(1), through: 12)
        _ = pending.follow(claims(1, attempt: 1), through: 13)
        let passages = pending.removeFirst()
        #expect(
            passages == [
                .init(claims: claims(0), position: 11), .init(claims: claims(1, attempt: 1), position: 13),
            ])
    }

    /// The same ledger twice: one where every batch keeps its place, one where those without events are merged.
    @Test func `merged or not, a ledger comes to the same`() {
        for seed in seeds(300, of: "pending batches") {
            var random = Seeded(seed)
            var (plain, merged) = (SegmentLedger(), SegmentLedger())
            var queue: [Batch] = []
            var pending = PendingBatches<Batch>()
            var epochs = [Int64](repeating: 1, count: 3)
            var owned: Set<Int> = [0, 1, 2]
            func own() {
                let segments = owned.sorted().map { Segment(id: $0, checkpoint: 0, epoch: epochs[$0]) }
                plain.own(segments)
                merged.own(segments)
            }
            own()
            for step in 1...100 {
                let position = Int64(step * 10)
                switch Int.random(in: 0..<10, using: &random) {
                case 0...5:
                    let batch = Batch(
                        claims: plain.claims, through: position, isEmpty: Int.random(in: 0..<3, using: &random) > 0)
                    queue.append(batch)
                    if !batch.isEmpty || !pending.follow(batch.claims, through: position) { pending.append(batch) }
                case 6, 7:
                    guard let first = pending.first else { break }
                    let halting = first.isEmpty ? nil : Int.random(in: 0..<5, using: &random)
                    // What is without events is acknowledged as soon as what is before it.
                    repeat {
                        let batch = queue.removeFirst()
                        finish(batch.claims, batch.through, haltingAt: batch.isEmpty ? nil : halting, &plain)
                    } while queue.first?.isEmpty == true
                    finish(first.claims, first.through, haltingAt: halting, &merged)
                    for passage in pending.removeFirst() {
                        finish(passage.claims, passage.position, haltingAt: nil, &merged)
                    }
                case 8:
                    let segments = Set((0..<3).filter { _ in Bool.random(using: &random) })
                    plain.retry(segments)
                    merged.retry(segments)
                default:
                    let segment = Int.random(in: 0..<3, using: &random)
                    if owned.remove(segment) == nil {
                        owned.insert(segment)
                        epochs[segment] += 1
                    }
                    own()
                }
                #expect(plain.positions == merged.positions, "seed \(seed)")
                #expect(plain.halts == merged.halts && plain.claims == merged.claims, "seed \(seed)")
                #expect(pending.count <= queue.count { !$0.isEmpty } + 1, "seed \(seed)")
            }
        }
    }

    private func finish(
        _ claims: [SegmentClaim], _ position: Int64, haltingAt halting: Int?, _ ledger: inout SegmentLedger
    ) {
        for claim in claims {
            if claim.segment == halting {
                ledger.halt(claim, SegmentHalt(segment: claim.segment, position: position - 3, reason: ""))
            } else {
                ledger.finish([claim], through: position)
            }
        }
    }

    @Test func `what came without wanted events behind a batch is done with it`() async throws {
        try await TestStore.with { test in
            let gate = Gate()
            let consumer = RecordingConsumer(scope: EventScope(aggregateTypes: ["Rare"]), gate: gate)
            let other = RecordingConsumer("other")
            let source = try test.source()
            let worker = try Worker(source, integrations: [consumer, other], options: test.options)
            try await test.running(worker, source) {
                try await test.appendOneEach(2, type: "Rare")
                try await consumer.wait(for: 2)
                for _ in 0..<20 { try await test.appendOneEach(1) }
                try await eventually("the checkpoints of the other do not follow") {
                    try await test.checkpoints(of: "other") == [22, 22, 22, 22]
                }
                let positions = await worker.snapshot().consumers.first { $0.name == "recorder" }?.own.segments
                #expect(positions?.values.allSatisfy { $0 == 0 } == true, "\(positions ?? [:])")
                gate.open()
                try await eventually("the checkpoints do not follow") {
                    try await test.checkpoints(of: "recorder") == [22, 22, 22, 22]
                }
            }
        }
    }
}
