import TestSupport
import Testing

@testable import Consumers

/// What the ledger keeps through any history of batches, halts, retries and changes of ownership.
@Suite struct SegmentHaltHistoryTests {
    private struct Batch {
        let claims: [SegmentClaim]
        let through: Int64
    }

    @Test(arguments: 0..<300) func `no segment is done past an event it halts at`(seed: Int) {
        var random = Seeded(UInt64(seed))
        var ledger = SegmentLedger()
        var epochs = [Int64](repeating: 1, count: 3)
        // What the database has, and what each segment really is done with: an oracle of its own.
        var checkpoints = [Int64](repeating: 0, count: 3)
        var truth = [Int64](repeating: 0, count: 3)
        var owned: Set<Int> = [0, 1, 2]
        func own() {
            ledger.own(owned.sorted().map { Segment(id: $0, checkpoint: checkpoints[$0], epoch: epochs[$0]) })
        }
        own()
        var underWay: [Batch] = []
        for step in 1...120 {
            let position = Int64(step * 10)
            switch Int.random(in: 0..<10, using: &random) {
            case 0...3:
                let claims = ledger.claims
                ledger.handOver(claims, through: position)
                underWay.append(Batch(claims: claims, through: position))
            case 4...6 where !underWay.isEmpty:
                let batch = underWay.removeFirst()
                let halting = Int.random(in: 0..<6, using: &random)
                for claim in batch.claims {
                    let isHalted = ledger.halts.contains { $0.segment == claim.segment }
                    let isCurrent = ledger.holds(claim) && !isHalted
                    if claim.segment == halting {
                        let halt = SegmentHalt(segment: claim.segment, position: batch.through - 3, reason: "")
                        #expect(ledger.halt(claim, halt) == isCurrent)
                        if isCurrent { truth[claim.segment] = max(truth[claim.segment], batch.through - 4) }
                    } else {
                        ledger.finish([claim], through: batch.through)
                        if isCurrent { truth[claim.segment] = max(truth[claim.segment], batch.through) }
                    }
                }
            case 7:
                let segments = Set((0..<3).filter { _ in Bool.random(using: &random) })
                let isSome = ledger.halts.contains { segments.contains($0.segment) }
                #expect(ledger.retry(segments) == isSome)
                for segment in segments where isSome && owned.contains(segment) {
                    if let handedOver = ledger.handedOver(segment) { #expect(handedOver >= truth[segment]) }
                }
            case 8:
                let moves = ledger.unwritten
                for move in moves where epochs[move.segment] == move.epoch {
                    #expect(move.position >= checkpoints[move.segment])
                    checkpoints[move.segment] = move.position
                }
                ledger.wrote(moves)
            default:
                // Lost to another worker, or claimed anew.
                let segment = Int.random(in: 0..<3, using: &random)
                if owned.remove(segment) == nil {
                    owned.insert(segment)
                    epochs[segment] += 1
                    truth[segment] = checkpoints[segment]
                }
                own()
            }
            for segment in owned {
                #expect(ledger.positions[segment] == truth[segment])
                let halt = ledger.halts.first { $0.segment == segment }
                #expect((ledger.handedOver(segment) == nil) == (halt != nil))
                if let halt { #expect(truth[segment] < halt.position) }
            }
        }
    }
}
