import Kafka
import TestSupport

@testable import KafkaBridge

/// A log of events, the topic that a relay has made of it, and an audit that follows both, on a generated history.
struct AuditHistory {
    struct Plan {
        var events = 200
        /// One event in so many is lost, parked, doubled; 0 is none.
        var lossy = 0, parking = 0, doubling = 0
        /// How much later a second record may come, in records.
        var lateness = 40
        /// One record of others for so many; 0 is none.
        var foreign = 0
        /// One step in so many is followed by a restart; 0 is none.
        var restarts = 0
        var limits = AuditState.Limits()
        var stepSize = 30
        /// Whether records say their positions.
        var hasPositions = false
    }

    private struct Record {
        let partition: Int
        let id: EventID
        let position: Int64?
    }

    let plan: Plan
    private(set) var random: Seeded
    private var records: [Record] = []
    /// When the first record of each event came; the lost and the parked have none.
    private var firsts: [Int: Int] = [:]
    private(set) var lost: Set<Int64> = []
    private(set) var parked: Set<Int64> = []
    private(set) var discarded: Set<Int64> = []
    private(set) var doubled: Set<Int64> = []
    private(set) var state: AuditState
    private(set) var reported: [Int64] = []
    private(set) var recovered: [Int64] = []
    /// Records handed to the audit.
    private(set) var recordsRead = 0

    private static let partitions = (0..<3).map { TopicPartition("t", $0) }

    init(_ plan: Plan, seed: UInt64) {
        self.plan = plan
        random = Seeded(seed)
        state = AuditState(AuditRecord(consumer: "c", beganAfter: 0, reason: .first), limits: plan.limits)
        for partition in Self.partitions { state.add(partition, from: 0, since: .min) }
        makeTopic()
    }

    func id(_ number: Int) -> EventID { EventID(high: 1, low: UInt64(number)) }
    func position(_ number: Int) -> Int64 { Int64(number * 2 + 1) }
    func aggregate(_ number: Int) -> UInt64 { UInt64(number * 7 % 11) }
    private var lastPosition: Int64 { position(plan.events - 1) }

    private mutating func happens(_ one: Int) -> Bool { one > 0 && Int.random(in: 0..<one, using: &random) == 0 }

    /// Events of an aggregate come in order; those of others overtake.
    private mutating func makeTopic() {
        var queues: [[Int]] = Array(repeating: [], count: 11)
        for number in 0..<plan.events { queues[Int(aggregate(number))].append(number) }
        var again: [(due: Int, number: Int)] = []
        var foreign: UInt64 = 0
        while queues.contains(where: { !$0.isEmpty }) || !again.isEmpty {
            if let index = again.firstIndex(where: { $0.due <= records.count || queues.allSatisfy(\.isEmpty) }) {
                publish(again.remove(at: index).number)
                continue
            }
            if happens(plan.foreign) {
                foreign += 1
                records.append(Record(partition: Int(foreign % 3), id: EventID(high: 2, low: foreign), position: nil))
                continue
            }
            let open = queues.indices.filter { !queues[$0].isEmpty }
            // The one that is furthest behind is never left far behind.
            let lowest = open.min { queues[$0][0] < queues[$1][0] } ?? 0
            let chosen = Bool.random(using: &random) ? lowest : open.randomElement(using: &random) ?? lowest
            let number = queues[chosen].removeFirst()
            if happens(plan.lossy) {
                lost.insert(position(number))
            } else if happens(plan.parking) {
                parked.insert(position(number))
            } else {
                firsts[number] = records.count
                publish(number)
                if happens(plan.doubling) {
                    doubled.insert(position(number))
                    again.append((records.count + Int.random(in: 0...plan.lateness, using: &random), number))
                }
            }
        }
    }

    private mutating func publish(_ number: Int) {
        records.append(
            Record(
                partition: Int(aggregate(number) % 3), id: id(number),
                position: plan.hasPositions ? position(number) : nil))
    }

    /// Swaps the records of two events of one aggregate that follow each other in their partition.
    mutating func swap(_ number: Int) {
        guard let one = firsts[number], let other = firsts[number + 11] else { return }
        records.swapAt(one, other)
        (firsts[number], firsts[number + 11]) = (other, one)
    }

    /// Brings the record of a lost event after all.
    mutating func repair(_ position: Int64) {
        publish(Int(position / 2))
        lost.remove(position)
    }

    /// Has a parked event delivered again. Its state may show so before its record does.
    mutating func redrive(_ position: Int64, isPublished: Bool = true) {
        parked.remove(position)
        if isPublished { publish(Int(position / 2)) } else { lost.insert(position) }
    }

    mutating func discard(_ position: Int64) {
        parked.remove(position)
        discarded.insert(position)
    }

    /// The last position behind which everything is published when there are so many records.
    private func checkpoint(at time: Int) -> Int64 {
        var checkpoint: Int64 = 0
        for number in 0..<plan.events {
            let position = position(number)
            if !lost.contains(position), !parked.contains(position), !discarded.contains(position),
                firsts[number] ?? .max >= time
            {
                break
            }
            checkpoint = position
        }
        return checkpoint
    }

    // MARK: Auditing

    /// Makes steps while records come, and some more behind the last.
    mutating func run() {
        var time = 0
        while time < records.count {
            time = min(records.count, time + Int.random(in: 0...60, using: &random))
            audit(at: time)
        }
        for _ in 0..<3 { audit(at: records.count) }
    }

    /// Steps until all that is due is audited.
    mutating func audit(at time: Int) {
        let checkpoint = time == records.count ? lastPosition : checkpoint(at: time)
        for _ in 0..<1_000 {
            let isThrough = step(to: checkpoint, at: time)
            if happens(plan.restarts) { state = AuditState(state.record, limits: plan.limits) }
            if isThrough { return }
        }
        fatalError("the audit does not come to the end")
    }

    private mutating func step(to checkpoint: Int64, at time: Int) -> Bool {
        var window = AuditState.Window(
            ledger: DeliveryLedger(capacity: 4), repeated: 0, through: state.record.position)
        let again = state.record.suspects + state.record.missing + state.record.parked
        for position in again.sorted() { commit(Int(position / 2), &window) }
        window.repeated = window.ledger.count
        var number = Int((state.record.position + 1) / 2)
        while number < plan.events, position(number) <= checkpoint,
            window.ledger.count - window.repeated < plan.stepSize
        {
            commit(number, &window)
            window.through = position(number)
            number += 1
        }
        let isLast = window.through == checkpoint || window.ledger.count - window.repeated < plan.stepSize
        if isLast { window.through = max(window.through, checkpoint) }
        state.begin(window)
        let reachedEnds = read(isLast: isLast, at: time)
        var absences: [Int: Absence.Kind] = [:]
        for index in state.absent(reachedEnds: reachedEnds) {
            let position = window.ledger.positions[index]
            absences[index] = parked.contains(position) ? .parked : discarded.contains(position) ? .discarded : .missing
        }
        // What was read of is committed.
        let findings = state.conclude(absences, reachedEnds: reachedEnds, drawn: lastPosition(before: time))
        reported += findings.missing
        recovered += findings.recovered
        return !state.isBehind(isLast: isLast, reachedEnds: reachedEnds)
    }

    private func lastPosition(before time: Int) -> Int64 {
        records[..<time].compactMap { $0.id.high == 1 ? position(Int($0.id.low)) : nil }.max() ?? 0
    }

    private func commit(_ number: Int, _ window: inout AuditState.Window) {
        window.ledger.commit(
            DeliveryLedger.Entry(id: id(number), position: position(number), aggregate: aggregate(number), topic: 0))
    }

    private mutating func read(isLast: Bool, at time: Int) -> Bool {
        var logs: [[Record]] = [[], [], []]
        for record in records[..<time] { logs[record.partition].append(record) }
        var next = Self.partitions.map { Int(state.starts[$0] ?? 0) }
        while true {
            let open = logs.indices.filter { next[$0] < logs[$0].count }
            guard let partition = open.randomElement(using: &random) else { return true }
            if state.isEnough(isLast: isLast) { return false }
            for _ in 0..<Int.random(in: 1...5, using: &random) where next[partition] < logs[partition].count {
                let record = logs[partition][next[partition]]
                state.take(
                    RecordIdentity(event: record.id, isRepublished: false), topic: 0,
                    of: Self.partitions[partition], offset: Int64(next[partition]), position: record.position)
                next[partition] += 1
                recordsRead += 1
            }
        }
    }

    var recordCount: Int { records.count }
}
