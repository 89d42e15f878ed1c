import Consumers
import EventSourcing
import Kafka

/// What becomes of an event before it is given to a producer: it has a topic that takes it, or follows the route's policy.
extension DeliveryState {
    /// Looks at what is open of a batch, in its order. False while the answer about a topic is needed.
    mutating func examine(at index: Int, now: Moment) -> Bool {
        let (id, isRedrive) = (batches[index].id, batches[index].isRedrive)
        // All topics first: what is parked or halted must not depend on the order of answers.
        var needed: Set<Int> = []
        for entry in batches[index].entries.indices where batches[index].entries[entry].needsExamination {
            if batches[index].entries[entry].topic == nil {
                route(entry, at: index)
            }
            let topic = batches[index].entries[entry].topic
            if let topic, isUnknown(topic) { needed.insert(topic) }
        }
        if needed.isEmpty {
            for entry in batches[index].entries.indices {
                let place = FailureAssessment.Entry(inFlight: id, index: entry)
                // Decided about completely before what follows: that may be parked or dropped by it, and it must not be by
                // what follows.
                while needed.isEmpty, batches[index].entries[entry].needsExamination {
                    examine(place, at: index, isRedrive: isRedrive, now)
                    // It was sent elsewhere instead, or what its topic allows is to be read again.
                    if batches[index].entries[entry].needsExamination, let topic = batches[index].entries[entry].topic,
                        isUnknown(topic)
                    {
                        needed.insert(topic)
                    }
                }
                if !needed.isEmpty { break }
            }
        }
        // Those that are known from the start are still to be asked about.
        self.needed = self.needed.filter { isUnknown($0) }.union(needed)
        return needed.isEmpty
    }

    private mutating func examine(
        _ place: FailureAssessment.Entry, at index: Int, isRedrive: Bool, _ now: Moment
    ) {
        if isDeliveredBefore(place, at: index, isRedrive: isRedrive) { return }
        if !isRedrive, settles(place, at: index) { return }
        if let topic = batches[index].entries[place.index].topic { return examine(place, at: index, topic, now) }
        let (events, row) = (batches[index].events, batches[index].entries[place.index].row)
        switch topic(for: events, row) {
        case .failure(let rejection): markUndeliverable(place, rejection, now)
        case .success(let topic):
            guard let problem = problem(of: events[row]) else { return }
            let name = router.topics[topic].description
            markUndeliverable(place, Rejection(reason: .record, error: problem.description, topic: name), now)
        }
    }

    /// Finds the event's topic, and prepares its record; the topic stays open where the event can have no record.
    private mutating func route(_ entry: Int, at index: Int) {
        let (events, row) = (batches[index].events, batches[index].entries[entry].row)
        guard case .success(let topic) = topic(for: events, row) else { return }
        if checksRecords {
            do throws(RecordProblem) {
                let record = try options.route.prepare(events[row])
                if preparesRecords { batches[index].keep(record, of: entry) }
            } catch {
                return
            }
        }
        batches[index].entries[entry].topic = topic
    }

    /// Why an event can have no record.
    private func problem(of event: EventView) -> RecordProblem? {
        guard checksRecords else { return nil }
        do throws(RecordProblem) { _ = try options.route.prepare(event) } catch { return error }
        return nil
    }

    /// The event's topic, or why it can have none.
    mutating func topic(for events: EventBatch, _ row: Int) -> Result<Int, Rejection> {
        router.destination(of: events[row], options.scope.filter, mayHaveDefects: events.mayHaveDefects)
    }

    /// Whether an answer about the topic is needed before a record for it: whether it is there, or what it allows.
    private func isUnknown(_ topic: Int) -> Bool {
        topics.isUnknown(topic) || (topics.handle(of: topic) != nil && !knowsLimit(of: topic))
    }

    /// Whether an event needs no delivery: its segment halts before it, or it waits behind parked ones.
    private mutating func settles(_ place: FailureAssessment.Entry, at index: Int) -> Bool {
        let entry = batches[index].entries[place.index]
        let position = batches[index].position(of: place.index)
        if !halts.isEmpty {
            if halts.blocks(entry.segment, at: position) {
                batches[index].entries[place.index].state = .dropped
                return true
            }
            // Alone, or what follows it in other topics would be sent again with every attempt.
            if halts.isTried(entry.segment, at: position) { batches[index].entries[place.index].isRetriedAlone = true }
        }
        guard parked.concerns(entry.segment) else { return false }
        let aggregate = batches[index].event(of: place.index).aggregate
        switch parked.fate(of: position, aggregate, in: entry.segment) {
        case .deliver: return false
        case .settled(let isDelivered):
            batches[index].entries[place.index].state = .settled
            // The progress passes it, and must not say that it was delivered.
            if !isDelivered { exactlyOnce?.park(position, in: entry.segment) }
        case .follow: park(place, at: index, aggregate)
        }
        return true
    }

    private mutating func examine(_ place: FailureAssessment.Entry, at index: Int, _ topic: Int, _ now: Moment) {
        let segment = batches[index].entries[place.index].segment
        if let refusal = topics.refusal(of: topic) {
            guard topics.probe(topic, segment: segment, now: now.instant) else {
                return waitForTopic(place, at: index, topic, refusal)
            }
            batches[index].entries[place.index].isRetriedAlone = true
        }
        let event = batches[index].event(of: place.index)
        if !wasOddTimeReported, event.hasCreatedAt, !TimestampText.range.contains(event.createdAtMicroseconds) {
            wasOddTimeReported = true
            notices.append(.oddTime(event.globalPosition))
        }
        let (note, limit) = (batches[index].notes[place.index], limit(of: topic))
        let name = router.topics[topic].description
        let prepared = batches[index].prepared(place.index)
        if let size = recordSize.excess(over: limit, event, prepared, note: note) {
            // An operator may have raised the topic's limit.
            if options.maximumRecordBytes == nil, size <= options.clientLimit, !topics.isSettled(topic, now: now) {
                return
            }
            markUndeliverable(place, .tooLarge(size, limit: limit, topic: name), now)
        } else if event.withheldBytes != nil, prepared?.isWithheld(event) ?? true, note?.omittedBytes == nil {
            readAgain(place, at: index, topic, name)
        } else if note == nil, let partition = prepared?.partition, let handle = topics.handle(of: topic),
            partition >= handle.partitionCount
        {
            let problem = RecordProblem.partitionBeyond(partition, count: handle.partitionCount, topic: name)
            markUndeliverable(place, Rejection(reason: .record, error: problem.description, topic: name), now)
        } else if note == nil, options.route.republication == nil,
            topics.checksTimes(of: topic), let time = RecordTime.milliseconds(event.createdAtMicroseconds),
            let error = topics.timeError(time, in: topic, now: now)
        {
            markUndeliverable(place, .time(error, topic: name), now)
        } else {
            // Where the topic's settings are to be read again, it is looked at once they are.
            batches[index].entries[place.index].isExamined = !isUnknown(topic)
        }
    }

    // MARK: Limits

    /// What a topic allows of which nothing is known: what brokers and clients allow by themselves.
    static let usualLimit = 1_000_000

    private func knowsLimit(of topic: Int) -> Bool {
        topics.settings(of: topic) != nil || (options.maximumRecordBytes != nil && !topics.checksTimes(of: topic))
    }

    /// The largest record for a topic: what is configured, else what the topic, the client and its queue allow.
    private func limit(of topic: Int) -> Int {
        if let most = options.maximumRecordBytes { return most }
        return limit(topics.settings(of: topic) ?? TopicSettings())
    }

    func limit(_ settings: TopicSettings) -> Int {
        min(settings.maximumBytes ?? Self.usualLimit, options.clientLimit)
    }

    // MARK: Deciding

    /// Decides about an event that can never be delivered as it is.
    mutating func markUndeliverable(_ place: FailureAssessment.Entry, _ rejection: Rejection, _ now: Moment) {
        guard let index = index(of: place.inFlight), batches[index].entries[place.index].state == .open else { return }
        let fate = PoisonFate.decide(
            rejection, policy: options.onPoison, note: batches[index].notes[place.index],
            parked: options.canPark ? parked.count : nil)
        switch fate {
        case .deadLetter(let topic, let omission): redirect(place, at: index, topic, rejection, omission, now)
        case .halt(let rejection) where batches[index].isRedrive: fail(place, at: index, rejection)
        case .park where batches[index].isRedrive: fail(place, at: index, rejection)
        case .halt(let rejection):
            halt(place, at: index, rejection, .event(undeliverable(place.index, at: index, rejection)))
        case .park:
            let event = batches[index].event(of: place.index)
            let segment = batches[index].entries[place.index].segment
            notices.append(.parked(event.globalPosition, segment: segment, rejection))
            batches[index].rejections[place.index] = rejection
            park(place, at: index, event.aggregate)
        }
    }

    /// Halts an event's segment: nothing of it is delivered from there on.
    private mutating func halt(
        _ place: FailureAssessment.Entry, at index: Int, _ rejection: Rejection, _ cause: SegmentHalts.Cause
    ) {
        let entry = batches[index].entries[place.index]
        let halt = SegmentHalt(
            segment: entry.segment, position: batches[index].position(of: place.index), reason: rejection.shortError)
        if halts.halt(halt, cause, topic: entry.topic, in: place.inFlight) {
            if case .event = cause, halts.isNews(halt) { notices.append(.halted(halt)) }
            let count = countDelivered(of: entry.segment, after: halt.position, from: index)
            if count > 0 { notices.append(.sentAgain(count)) }
        }
        // What follows of the segment is dropped when it is looked at.
        batches[index].entries[place.index].state = .dropped
    }

    /// How many events of a segment behind its halt are in their topics already: they come again with the next attempt.
    private func countDelivered(of segment: Int, after position: Int64, from index: Int) -> Int {
        batches[index...].reduce(0) { sum, batch in
            sum
                + batch.entries.indices.count { entry in
                    batch.entries[entry].segment == segment && batch.entries[entry].state == .acknowledged
                        && batch.position(of: entry) > position
                }
        }
    }

    private mutating func park(_ place: FailureAssessment.Entry, at index: Int, _ aggregate: AggregateIdentity) {
        batches[index].entries[place.index].state = .parking
        batchesWithParking.insert(place.inFlight)
        // What follows of the aggregate is parked when it is looked at.
        let position = batches[index].position(of: place.index)
        parked.hold(position, of: aggregate, in: batches[index].entries[place.index].segment)
    }

    /// The event's topic takes nothing at the moment: its segment halts until it does.
    private mutating func waitForTopic(
        _ place: FailureAssessment.Entry, at index: Int, _ topic: Int, _ refusal: TopicReadiness.Refusal
    ) {
        topics.endProbes(of: batches[index].entries[place.index].segment)
        let name = router.topics[topic].description
        let rejection = Rejection.refused(refusal.error, topic: name)
        if batches[index].isRedrive { return fail(place, at: index, rejection) }
        halt(place, at: index, rejection, .topic(topic))
    }

    /// An event's payload stayed behind, since no topic that was known took one of its size, and now one does: its segment
    /// begins anew before it.
    private mutating func readAgain(_ place: FailureAssessment.Entry, at index: Int, _ topic: Int, _ name: String) {
        let error = "its payload was left out when it was read, and topic `\(name)` takes it: it is read again"
        let rejection = Rejection(reason: .tooLarge, error: error, topic: name)
        if batches[index].isRedrive { return fail(place, at: index, rejection) }
        halt(place, at: index, rejection, .reread)
    }

    /// Sends an event to the dead-letter topic.
    private mutating func redirect(
        _ place: FailureAssessment.Entry, at index: Int, _ topic: TopicName, _ rejection: Rejection,
        _ omission: DeadLetterNote.Omission, _ now: Moment
    ) {
        let event = batches[index].event(of: place.index)
        var entry = batches[index].entries[place.index]
        let known = batches[index].notes[place.index]
        var note =
            known
            ?? DeadLetterNote(
                reason: rejection.reason, error: rejection.error, consumer: options.consumer, segment: entry.segment,
                position: event.globalPosition, topic: rejection.topic, time: now.microseconds,
                prefix: options.route.headers.prefix)
        if preparesRecords {
            let record = options.route.prepareWhatIsPossible(event)
            batches[index].keep(record, of: place.index)
            if options.route.hidesValue(of: event, record) { note.omittedBytes = event.payloadLength }
        }
        if omission != .nothing { note.omittedBytes = event.payloadLength }
        note.isMinimal = omission == .allButIdentity
        if known == nil { notices.append(.deadLetter(event.globalPosition, topic, rejection)) }
        batches[index].notes[place.index] = note
        entry.topic = router.topic(named: topic)
        entry.isExamined = false
        entry.isRetriedAlone = false
        batches[index].entries[place.index] = entry
    }

    /// Ends a redrive at an event: it and what follows stay parked.
    private mutating func fail(_ place: FailureAssessment.Entry, at index: Int, _ rejection: Rejection) {
        batches[index].entries[place.index].state = .failed
        batches[index].rejections[place.index] = rejection
        for entry in batches[index].entries.indices.dropFirst(place.index)
        where batches[index].entries[entry].state == .open {
            batches[index].entries[entry].state = .dropped
        }
    }

    // MARK: The table of dead letters

    private func undeliverable(_ entry: Int, at index: Int, _ rejection: Rejection) -> UndeliverableEvent {
        let event = batches[index].event(of: entry)
        let segment = batches[index].entries[entry].segment
        return UndeliverableEvent(
            position: event.globalPosition, segment: segment, epoch: served[segment]?.epoch ?? -1,
            eventID: event.eventUUID, eventType: String(copying: event.eventType), aggregate: event.aggregate,
            aggregateVersion: event.aggregateVersion, reason: rejection.reason, error: rejection.shortError)
    }

    /// So many parked events are recorded at a time.
    private static let mostRows = 5_000

    /// The parked events that are to be recorded, in order, while none are being recorded. Their checkpoints may pass them
    /// once that is committed.
    var parkingRows: [UndeliverableEvent] {
        if isRecording || batchesWithParking.isEmpty { return [] }
        var rows: [UndeliverableEvent] = []
        for id in batchesWithParking.sorted() {
            guard let index = index(of: id), rows.count < Self.mostRows else { continue }
            for entry in batches[index].entries.indices where batches[index].entries[entry].state == .parking {
                if isLost(batches[index].entries[entry].segment) { continue }
                rows.append(undeliverable(entry, at: index, batches[index].rejections[entry] ?? .follows))
            }
        }
        return rows
    }

    /// The table has the parked events; an empty list says that recording them failed for now.
    ///
    /// - Parameter epochs: of the segments by now: the table has no row of a segment that was claimed again since.
    mutating func recorded(_ rows: [UndeliverableEvent], epochs: [Int: Int64]) {
        isRecording = false
        let lost = rows.filter { epochs[$0.segment] != $0.epoch && served[$0.segment]?.epoch == $0.epoch }
        lose(Set(lost.map(\.segment)))
        // What was to be recorded under an earlier claim is not there.
        let known = Set(
            rows.lazy.filter { [self] in served[$0.segment]?.epoch ?? -1 == $0.epoch && !isLost($0.segment) }.map(
                \.position))
        var count = 0
        for id in batchesWithParking {
            guard let index = index(of: id) else {
                batchesWithParking.remove(id)
                continue
            }
            for entry in batches[index].entries.indices where batches[index].entries[entry].state == .parking {
                guard known.contains(batches[index].position(of: entry)) else { continue }
                batches[index].entries[entry].state = .settled
                let (segment, event) = (batches[index].entries[entry].segment, batches[index].event(of: entry))
                parked.recorded(event.aggregate, in: segment)
                exactlyOnce?.park(event.globalPosition, in: segment)
                lastRecorded = EventReference(event)
                count += 1
            }
            if !batches[index].hasParking { batchesWithParking.remove(id) }
        }
        if count > 0 {
            notices.append(.recordedParked(count))
            // That is progress too.
            silentSince = nil
        }
        resolve()
    }

    /// The table has the halts' events.
    mutating func recordedHalts(_ events: [UndeliverableEvent]) { halts.recorded(events) }

    /// The table knows that segments have passed these positions.
    mutating func recordedPassed(_ positions: [Int64]) { passedHalts.removeAll { positions.contains($0) } }

    /// The table has these parked aggregates of the served segments.
    mutating func found(_ waiting: [WaitingAggregate]) { parked.found(waiting) }

    /// The table has so many parked events of an aggregate; whether newer ones flow from now on.
    mutating func found(_ size: Int, of aggregate: AggregateIdentity, in segment: Int) -> Bool {
        parked.found(size, of: aggregate, in: segment)
    }
}

extension InFlightBatch.Entry {
    var needsExamination: Bool { state == .open && !isExamined }
}
