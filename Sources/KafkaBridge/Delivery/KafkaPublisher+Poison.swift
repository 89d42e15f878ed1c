package import Consumers
import CoreMetrics
import EventSourcing
import Kafka
import Logging

extension KafkaPublisher {
    package func serve(_ segments: [ServedSegment]) async throws {
        let now = Dictionary(segments.map { ($0.segment, $0) }) { first, _ in first }
        for (segment, before) in served where before.isOtherAttempt(than: now[segment]) {
            drop(segment)
            parked.end(segment)
            if let after = now[segment], after.epoch == before.epoch {
                halts.beginAnew(segment, from: nextID + 1)
                // Somebody may have raised a limit meanwhile.
                limits.removeAll()
            } else {
                halts.end(segment)
                unnotedHalts[segment] = nil
            }
        }
        let begun = segments.filter { served[$0.segment]?.isOtherAttempt(than: $0) ?? true }
        served = now
        try await learn(begun)
        showHalts()
    }

    /// Takes a batch over: finds a topic for every event.
    ///
    /// - Returns: the inFlight's id.
    func take(_ batch: FeedBatch, _ events: EventBatch) -> Int {
        var entries: [InFlightBatch.Entry] = []
        var flaws: [(index: Int, flaw: Rejection)] = []
        entries.reserveCapacity(batch.selection.count)
        for selected in batch.selection {
            if halts.isHalted(selected.segment) { continue }
            var entry = InFlightBatch.Entry(row: selected.index, segment: selected.segment, topic: 0)
            // Alone, or what follows it in other topics would be sent again with every attempt.
            if !halts.isEmpty, halts.isTried(selected.segment, at: events[selected.index].globalPosition) {
                entry.isSuspect = true
            }
            if parked.concerns(selected.segment), let state = fateOfParked(events[selected.index], selected.segment) {
                entry.state = state
            } else {
                switch topic(for: events, selected.index) {
                case .success(let topic): entry.topic = topic
                case .failure(let flaw): flaws.append((entries.count, flaw))
                }
            }
            entries.append(entry)
        }
        nextID += 1
        inFlightBatches.append(
            InFlightBatch(id: nextID, events: events, through: batch.through, isFull: batch.isFull, entries: entries))
        for (index, flaw) in flaws { convict(FailureAssessment.Entry(inFlight: nextID, index: index), flaw) }
        return nextID
    }

    /// The event's topic, or why it can have none.
    func topic(for events: EventBatch, _ row: Int) -> Result<Int, Rejection> {
        let event = events[row]
        // Asked of the events of a sound table once a batch.
        if events.mayHaveDefects, let defect = event.defect(includesMetadata: !options.route.metadataHeaders.isEmpty) {
            return .failure(Rejection(reason: .malformed, error: defect.description))
        }
        return router.topic(for: event).mapError { Rejection(reason: .noTopic, error: $0.description) }
    }

    /// What becomes of an event whose aggregate may be parked; `nil` if it is to be delivered.
    private func fateOfParked(_ event: EventView, _ segment: Int) -> InFlightBatch.State? {
        let aggregate = event.aggregate
        switch parked.fate(of: event.globalPosition, aggregate, in: segment) {
        case .deliver: return nil
        case .settled: return .settled
        case .follow:
            parked.hold(aggregate, in: segment)
            return .parking
        }
    }

    /// Finds records that are too large before the client sees them.
    func checkSizes(of id: Int) {
        guard let index = index(of: id) else { return }
        let inFlight = inFlightBatches[index]
        for (entry, found) in inFlight.entries.enumerated() where found.state == .open && !found.isSized {
            inFlightBatches[index].entries[entry].isSized = true
            let event = inFlight.event(of: entry)
            if !saysOddTimes, !TimestampText.range.contains(event.createdAtMicroseconds) { reportOddTime(event) }
            let (note, limit) = (inFlight.notes[entry], limit(of: found.topic))
            let ref = FailureAssessment.Entry(inFlight: id, index: entry)
            if let size = recordSize.excess(over: limit, event, note: note) {
                let topic = router.topics[found.topic].description
                let error = "its record would take \(size) bytes, and \(limit) are allowed in topic `\(topic)`"
                convict(ref, Rejection(reason: .tooLarge, error: error, topic: topic))
            } else if event.withheldBytes != nil, note?.omittedBytes == nil {
                readAgain(ref, router.topics[found.topic].description)
            }
        }
    }

    /// An event's payload stayed behind, since no topic that was known took one of its size, and now one does: its segment
    /// begins anew before it.
    private func readAgain(_ ref: FailureAssessment.Entry, _ topic: String) {
        guard let index = index(of: ref.inFlight) else { return }
        let error = "its payload was left out when it was read, and topic `\(topic)` takes it: it is read again"
        let flaw = Rejection(reason: .tooLarge, error: error, topic: topic)
        if inFlightBatches[index].isRedrive { return fail(ref, at: index, flaw) }
        rereads.insert(inFlightBatches[index].position(of: ref.index))
        halt(ref, at: index, flaw)
        changed.advance()
    }

    private func reportOddTime(_ event: EventView) {
        saysOddTimes = true
        logger.warning(
            """
            an event's created_at is not in the years 1 to 9999: its record says the nearest time that is; further such \
            events are not reported
            """, metadata: ["position": "\(event.globalPosition)"])
    }

    // MARK: Deciding

    /// Decides about an event that can never be delivered as it is.
    func convict(_ ref: FailureAssessment.Entry, _ flaw: Rejection) {
        guard let index = index(of: ref.inFlight), inFlightBatches[index].entries[ref.index].state == .open else {
            return
        }
        let fate = PoisonFate.decide(
            flaw, policy: options.onPoison, note: inFlightBatches[index].notes[ref.index],
            parked: options.deadLetters.map { _ in parked.count })
        switch fate {
        case .deadLetter(let topic, let omission): redirect(ref, at: index, topic, flaw, omission)
        case .halt(let flaw) where inFlightBatches[index].isRedrive: fail(ref, at: index, flaw)
        case .park where inFlightBatches[index].isRedrive: fail(ref, at: index, flaw)
        case .halt(let flaw): halt(ref, at: index, flaw)
        case .park: park(ref, at: index, flaw)
        }
        changed.advance()
    }

    /// Halts an entry's segment: nothing of it is delivered from there on.
    private func halt(_ ref: FailureAssessment.Entry, at index: Int, _ flaw: Rejection) {
        let segment = inFlightBatches[index].entries[ref.index].segment
        let row = undeliverable(inFlightBatches[index], ref.index, flaw)
        let halt = SegmentHalt(segment: segment, position: row.position, reason: flaw.shortError)
        guard halts.halt(halt, in: ref.inFlight) else { return }
        unnotedHalts[segment] = row
        for index in inFlightBatches.indices where inFlightBatches[index].id >= ref.inFlight {
            if inFlightBatches[index].isRedrive { continue }
            drop(segment, at: index, from: inFlightBatches[index].id == ref.inFlight ? ref.index : 0)
        }
        showHalts()
    }

    /// Parks an entry, and all later ones of its aggregate that are on their way.
    private func park(_ ref: FailureAssessment.Entry, at index: Int, _ flaw: Rejection) {
        let event = inFlightBatches[index].event(of: ref.index)
        let aggregate = event.aggregate
        let segment = inFlightBatches[index].entries[ref.index].segment
        logger.error(
            "an event is parked, with the later ones of its aggregate: \(flaw.shortError)",
            metadata: ["position": "\(event.globalPosition)", "segment": "\(segment)"])
        inFlightBatches[index].entries[ref.index].state = .parking
        inFlightBatches[index].flaws[ref.index] = flaw
        parked.hold(aggregate, in: segment)
        for index in inFlightBatches.indices where inFlightBatches[index].id >= ref.inFlight {
            if inFlightBatches[index].isRedrive { continue }
            for entry in inFlightBatches[index].entries.indices {
                guard inFlightBatches[index].entries[entry].segment == segment,
                    inFlightBatches[index].entries[entry].state == .open,
                    inFlightBatches[index].id > ref.inFlight || entry > ref.index,
                    inFlightBatches[index].event(of: entry).aggregate == aggregate
                else { continue }
                inFlightBatches[index].entries[entry].state = .parking
                parked.hold(aggregate, in: segment)
            }
        }
        tellParked()
    }

    /// Sends an entry to the dead-letter topic.
    private func redirect(
        _ ref: FailureAssessment.Entry, at index: Int, _ topic: TopicName, _ flaw: Rejection,
        _ omission: DeadLetterNote.Omission
    ) {
        let event = inFlightBatches[index].event(of: ref.index)
        var entry = inFlightBatches[index].entries[ref.index]
        let known = inFlightBatches[index].notes[ref.index]
        var note =
            known
            ?? DeadLetterNote(
                reason: flaw.reason, error: flaw.error, consumer: name, segment: entry.segment,
                position: event.globalPosition, topic: flaw.topic, time: CurrentTime.microseconds,
                prefix: options.route.headers.prefix)
        if omission != .nothing { note.omittedBytes = event.payloadLength }
        note.isMinimal = omission == .allButIdentity
        if known == nil {
            metrics.deadLettered.increment()
            logger.error(
                "an event goes to the dead-letter topic: \(flaw.shortError)",
                metadata: ["position": "\(event.globalPosition)", "topic": "\(topic)"])
        }
        inFlightBatches[index].notes[ref.index] = note
        entry.topic = router.topic(named: topic)
        entry.isSized = false
        entry.isSuspect = false
        inFlightBatches[index].entries[ref.index] = entry
    }

    /// Ends a redrive at an entry: it and what follows stay parked.
    private func fail(_ ref: FailureAssessment.Entry, at index: Int, _ flaw: Rejection) {
        inFlightBatches[index].entries[ref.index].state = .failed
        inFlightBatches[index].flaws[ref.index] = flaw
        for entry in inFlightBatches[index].entries.indices.dropFirst(ref.index)
        where inFlightBatches[index].entries[entry].state == .open {
            inFlightBatches[index].entries[entry].state = .dropped
        }
    }

    // MARK: Letting go

    /// What is under way of a segment belongs to nobody any more.
    private func drop(_ segment: Int) {
        for index in inFlightBatches.indices { drop(segment, at: index, from: 0) }
        changed.advance()
    }

    /// Leaves what is not done of a segment to be handed over again.
    private func drop(_ segment: Int, at index: Int, from first: Int) {
        for entry in inFlightBatches[index].entries.indices.dropFirst(first)
        where inFlightBatches[index].entries[entry].segment == segment {
            switch inFlightBatches[index].entries[entry].state {
            case .parking: parked.releaseSegments(inFlightBatches[index].event(of: entry).aggregate, in: segment)
            case .open: break
            case .acknowledged, .settled, .dropped, .failed: continue
            }
            inFlightBatches[index].entries[entry].state = .dropped
        }
    }

    /// Takes in that a inFlight is done.
    func noteDone(_ inFlight: InFlightBatch) {
        parked.passed(inFlight.through, inFlight: inFlight.id)
        for halt in halts.done(inFlight.id, through: inFlight.through) {
            passedHalts.append(halt.position)
            unnotedHalts[halt.segment] = nil
            logger.notice(
                "the segment goes on", metadata: ["segment": "\(halt.segment)", "position": "\(halt.position)"])
            attention.advance()
        }
        showHalts()
    }
}

extension EventView {
    /// The aggregate, with text of its own. A text that the index of the table of dead letters has no room for is cut, and a
    /// hash of it keeps it apart from others.
    var aggregate: AggregateIdentity {
        AggregateIdentity(
            boundedContext: Self.indexed(boundedContext), aggregateType: Self.indexed(aggregateType),
            aggregateID: Self.indexed(aggregateID))
    }

    /// Three of these and a consumer's name fit into the 2,704 bytes of an index's row.
    private static let longestIndexed = 600

    private static func indexed(_ bytes: RawSpan) -> String {
        let text = String(copying: bytes)
        if text.utf8.count <= longestIndexed { return text }
        // FNV-1a with 64 bits.
        let hash = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return text.cut(toBytes: longestIndexed - 40) + String(hash, radix: 16)
    }
}

extension ServedSegment {
    /// Whether nothing that was known of the segment holds any more.
    fileprivate func isOtherAttempt(than other: ServedSegment?) -> Bool {
        other.map { $0.epoch != epoch || $0.attempt != attempt } ?? true
    }
}
