import Testing

@testable import Consumers

@Suite struct StoreIdentityTests {
    private static let recorded = StoreIdentity(
        system: "7001", timeline: "00000001", table: 100, sequence: 101, sequenceFile: 102, partitions: [200, 201])

    /// What has changed since, and what it means for a reader that has passed position 50 where 60 are drawn.
    private static let changes: [(String, StoreIdentity.Comparison, @Sendable (inout StoreIdentity) -> Void)] = [
        ("nothing", .same, { _ in }),
        ("a partition was dropped", .same, { $0.partitions = [201] }),
        ("partitions came", .partitionsAdded([199, 300]), { $0.partitions = [199, 201, 300] }),
        (
            "another timeline",
            .beginAnew(reason: "the server is on another timeline, as after a fail-over or a restore"),
            { $0.timeline = "00000002" }
        ),
        (
            "another timeline, and partitions came", .partitionsAdded([300]),
            {
                $0.timeline = "00000002"
                $0.partitions = [200, 201, 300]
            }
        ),
        (
            "another table under the name", .beginAnew(reason: "another table has taken the events table's name"),
            { $0.table = 900 }
        ),
        (
            "a partitioned table under the name",
            .beginAnew(reason: "another table has taken the events table's name"),
            {
                $0.table = 900
                $0.partitions = [901, 902]
            }
        ),
        ("another file of the sequence", .refused(.sequenceChanged("s")), { $0.sequenceFile = 900 }),
        ("another sequence", .refused(.sequenceChanged("s")), { $0.sequence = 900 }),
        (
            "another table with another sequence", .refused(.sequenceChanged("s")),
            {
                $0.table = 900
                $0.sequence = 901
            }
        ),
        ("another database system", .refused(.otherSystem), { $0.system = "7002" }),
        (
            "another system, restored into new tables", .refused(.otherSystem),
            {
                $0 = StoreIdentity(
                    system: "7002", timeline: "1", table: 1, sequence: 2, sequenceFile: 3, partitions: [])
            }
        ),
    ]

    @Test(arguments: changes.indices)
    func `a change means what the design says`(index: Int) {
        let (name, meaning, change) = Self.changes[index]
        var seen = Self.recorded
        change(&seen)
        for (passed, lastDrawn) in [(Int64(50), Int64(60)), (60, 60), (0, 0)] {
            let comparison = seen.compared(to: Self.recorded, passed: passed, lastDrawn: lastDrawn, sequence: "s")
            #expect(comparison == meaning, "\(name)")
        }
    }

    @Test(arguments: changes.indices)
    func `whatever else has changed, a sequence below what was passed is refused`(index: Int) {
        var seen = Self.recorded
        Self.changes[index].2(&seen)
        let comparison = seen.compared(to: Self.recorded, passed: 60, lastDrawn: 59, sequence: "s")
        #expect(comparison == .refused(.sequenceReset("s", lastDrawn: 59, checkpoint: 60)))
    }

    @Test func `a lane reads on only while table and sequence are the same`() {
        for (name, _, change) in Self.changes {
            var seen = Self.recorded
            change(&seen)
            let isSame =
                seen.table == Self.recorded.table && seen.sequence == Self.recorded.sequence
                && seen.sequenceFile == Self.recorded.sequenceFile
            #expect(seen.isSameLog(as: Self.recorded) == isSame, "\(name)")
        }
    }

    @Test func `what an operator has to decide is a refusal, and what passes by itself is none`() throws {
        #expect(!SourceError.standby.isRefusal)
        #expect(SourceError.otherSystem.isRefusal)
        #expect(SourceError.sequenceChanged("s").isRefusal)
    }
}
