package import Consumers
import EventSourcing
import Kafka
import Logging

extension KafkaPublisher {
    package func serve(_ segments: [ServedSegment]) async throws {
        let now = Dictionary(segments.map { ($0.segment, $0) }) { first, _ in first }
        for (segment, before) in served where now[segment] == nil || before.isOtherAttempt(than: now[segment]) {
            drop(segment)
            if let after = now[segment], after.epoch == before.epoch {
                halts.beginAnew(segment, from: nextID + 1)
            } else {
                halts.end(segment)
            }
        }
        served = now
        showHalts()
    }

    /// Takes a batch over: finds a topic for every event.
    ///
    /// - Returns: the consignment's id.
    func take(_ batch: FeedBatch, _ events: EventBatch) -> Int {
        var entries: [Consignment.Entry] = []
        var flaws: [(index: Int, flaw: Flaw)] = []
        entries.reserveCapacity(batch.selection.count)
        for selected in batch.selection {
            if halts.isHalted(selected.segment) { continue }
            var entry = Consignment.Entry(row: selected.index, segment: selected.segment, topic: 0)
            switch router.topic(for: events[selected.index]) {
            case .success(let topic): entry.topic = topic
            case .failure(let error):
                flaws.append((entries.count, Flaw(reason: .noTopic, error: error.description)))
            }
            entries.append(entry)
        }
        nextID += 1
        consignments.append(Consignment(id: nextID, events: events, through: batch.through, entries: entries))
        for (index, flaw) in flaws { convict(FailureVerdict.Entry(consignment: nextID, index: index), flaw) }
        return nextID
    }

    /// Finds records that are too large before the client sees them.
    func checkSizes(of id: Int) {
        guard let index = index(of: id) else { return }
        for entry in consignments[index].entries.indices {
            let found = consignments[index].entries[entry]
            if found.state != .open || found.isSized { continue }
            consignments[index].entries[entry].isSized = true
            let size = RecordSize.upperBound(consignments[index].event(of: entry), options.route)
            if size <= options.maximumRecordBytes { continue }
            let reason = "its record would take \(size) bytes, and \(options.maximumRecordBytes) are allowed"
            convict(
                FailureVerdict.Entry(consignment: id, index: entry),
                Flaw(reason: .tooLarge, error: reason, topic: router.topics[found.topic].description))
        }
    }

    /// Decides about an event that can never be delivered as it is.
    func convict(_ ref: FailureVerdict.Entry, _ flaw: Flaw) {
        guard let index = index(of: ref.consignment), consignments[index].entries[ref.index].state == .open else {
            return
        }
        halt(ref, at: index, flaw)
    }

    /// Halts an entry's segment: nothing of it is delivered from there on.
    private func halt(_ ref: FailureVerdict.Entry, at index: Int, _ flaw: Flaw) {
        let entry = consignments[index].entries[ref.index]
        let position = consignments[index].position(of: ref.index)
        let halt = SegmentHalt(segment: entry.segment, position: position, reason: flaw.error)
        guard halts.halt(halt, in: ref.consignment) else { return }
        for index in consignments.indices where consignments[index].id >= ref.consignment {
            let first = consignments[index].id == ref.consignment ? ref.index : 0
            consignments[index].drop(entry.segment, from: first)
        }
        changed.advance()
        showHalts()
    }

    /// What is under way of a segment belongs to nobody any more.
    private func drop(_ segment: Int) {
        for index in consignments.indices { consignments[index].drop(segment) }
        changed.advance()
    }

    /// Takes in that a consignment is done.
    func noteDone(_ consignment: Consignment) {
        for halt in halts.done(consignment.id, through: consignment.through) {
            logger.notice(
                "the segment goes on", metadata: ["segment": "\(halt.segment)", "position": "\(halt.position)"])
        }
        showHalts()
    }
}

extension Consignment {
    /// Leaves what is open of a segment to be handed over again.
    fileprivate mutating func drop(_ segment: Int, from first: Int = 0) {
        for index in entries.indices.dropFirst(first)
        where entries[index].segment == segment && entries[index].state == .open {
            entries[index].state = .dropped
        }
    }
}

extension ServedSegment {
    /// Whether nothing that was known of the segment holds any more.
    fileprivate func isOtherAttempt(than other: ServedSegment?) -> Bool {
        other.map { $0.epoch != epoch || $0.attempt != attempt } ?? true
    }
}
