import Kafka
import Testing

@testable import KafkaBridge

@Suite struct AuditPlanTests {
    private let basis = AuditBasis(log: "log", route: "route")

    private func record(at position: Int64, _ change: (inout AuditRecord) -> Void = { _ in }) -> AuditRecord {
        var record = AuditRecord(consumer: "c", beganAfter: 3, reason: .first)
        record.position = position
        record.basis = basis
        change(&record)
        return record
    }

    private func next(_ record: AuditRecord?, checkpoint: Int64?, basis: AuditBasis? = nil) -> AuditPlan {
        AuditPlan.next(record, AuditPlan.Facts(checkpoint: checkpoint, basis: basis ?? self.basis))
    }

    @Test func `an audit begins at the checkpoint, and goes on to it`() {
        #expect(next(nil, checkpoint: nil) == .wait && next(record(at: 5), checkpoint: nil) == .wait)
        #expect(next(nil, checkpoint: 9) == .begin(after: 9, reason: .first))
        #expect(next(record(at: 5), checkpoint: 9) == .proceed(through: 9))
        #expect(next(record(at: 5), checkpoint: 5) == .proceed(through: 5))
    }

    @Test func `where a segment does not move the audit goes on to the furthest, and that is no checkpoint set back`() {
        func next(_ record: AuditRecord, _ checkpoint: Int64, highest: Int64?) -> AuditPlan {
            AuditPlan.next(record, AuditPlan.Facts(checkpoint: checkpoint, highest: highest, basis: basis))
        }
        #expect(next(record(at: 5) { $0.slowest = 5 }, 5, highest: 40) == .proceed(through: 40))
        // By another process it is not seen at once that a segment does not move.
        #expect(next(record(at: 40) { $0.slowest = 5 }, 5, highest: nil) == .proceed(through: 40))
        #expect(next(record(at: 40) { $0.slowest = 5 }, 30, highest: nil) == .proceed(through: 40))
        #expect(next(record(at: 40) { $0.slowest = 5 }, 4, highest: 50) == .begin(after: 4, reason: .setBack))
    }

    @Test func `what makes earlier positions or offsets mean nothing has it begin anew`() {
        #expect(next(record(at: 5), checkpoint: 4) == .begin(after: 4, reason: .setBack))
        let otherLog = AuditBasis(log: "other", route: "route")
        #expect(next(record(at: 5), checkpoint: 9, basis: otherLog) == .begin(after: 9, reason: .anotherLog))
        let otherRoute = AuditBasis(log: "log", route: "other")
        #expect(next(record(at: 5), checkpoint: 9, basis: otherRoute) == .begin(after: 9, reason: .anotherRoute))
        // After a reset the basis is not known yet.
        #expect(next(record(at: 5) { $0.basis = AuditBasis() }, checkpoint: 9) == .proceed(through: 9))
    }

    @Test func `missing events before a new beginning are kept, but not those of another log`() {
        let former = record(at: 50) { record in
            record.missing = [10, 20, 30]
            record.counts.missing = 5
            record.epoch = 7
        }
        let back = AuditState.beginning("c", after: 20, reason: .setBack, replacing: former)
        // Two of the five are not listed, so that they stay.
        #expect(back.missing == [10, 20] && back.counts.missing == 4 && back.counts.accounted == back.counts.committed)
        #expect(back.position == 20 && back.epoch == 7 && back.progress.isEmpty)
        let other = AuditState.beginning("c", after: 20, reason: .anotherLog, replacing: former)
        #expect(other.missing.isEmpty && other.counts == AuditCounts() && other.epoch == 7)
    }
}
