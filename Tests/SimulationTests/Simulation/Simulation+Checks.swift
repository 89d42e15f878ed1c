import EventSourcing

@testable import Consumers
@testable import KafkaBridge

/// What has to hold, looked at when it may have been broken, and in the end.
extension Simulation {
    func segment(of aggregate: Int, _ consumer: Int) -> Int {
        FNV1aPartitionStrategy().segment(
            of: Array("a\(aggregate)".utf8).span.bytes, totalSegments: consumer == 0 ? 3 : 2)
    }

    func isWanted(_ event: Int, by scope: EventScope) -> Bool {
        scope.aggregateTypes.isEmpty || scope.aggregateTypes.contains("t\(account.entries[event].type)")
    }

    func notifyRelays() {
        for process in processes where chance(85) {
            process.after(draw(1...25)) { process.reader.wake() }
        }
    }

    // MARK: Checkpoints (I1, I6)

    /// A checkpoint passes no event that may still come, and none that is neither delivered nor parked.
    func check(_ consumer: Int, _ segment: Int, from before: Int64, to position: Int64, _ worker: String) {
        note("\(worker): checkpoint \(consumer)/\(segment) \(before) → \(position)")
        passed[consumer][segment].append((position: position, scope: scopes[consumer]))
        // Of another log than this it says nothing: the source is about to be refused.
        let recorded = database.state.tables.recorded[consumer].identity
        guard recorded?.sequenceFile == database.state.identity.sequenceFile else { return }
        if let open = database.isUndecided(after: before, through: position) {
            violate("the checkpoint \(position) of \(consumer)/\(segment) passes \(open), which may still be inserted")
        }
        if position > database.state.lastDrawn {
            violate("the checkpoint \(position) of \(consumer)/\(segment) lies beyond \(database.state.lastDrawn)")
        }
        for event in database.events(after: before, through: position, limit: .max) {
            let entry = account.entries[event]
            guard isWanted(event, by: scopes[consumer]), self.segment(of: entry.aggregate, consumer) == segment,
                !isDelivered(event, to: consumer),
                database.state.tables.letters[consumer][entry.position]?.event != event
            else { continue }
            violate(
                "\(worker)'s checkpoint \(position) of \(consumer)/\(segment) passes \(entry.position), which is nowhere"
            )
        }
    }

    private func isDelivered(_ event: Int, to consumer: Int) -> Bool {
        appendedTo[consumer].contains(event)
    }

    // MARK: Topics

    private func consumer(_ place: SimulatedBrokers.Place) -> Int { place.topic.hasPrefix("least") ? 0 : 1 }

    /// A record is appended (I2).
    func appended(_ event: Int, at place: SimulatedBrokers.Place) {
        let consumer = consumer(place)
        note("\(event) (position \(account.entries[event].position)) to \(place.topic) \(place.partition)")
        appendedTo[consumer].insert(event)
        switch account.entries[event].fate {
        case .open where !account.entries[event].wasCommitted: violate("\(event) is delivered and not committed")
        case .rolledBack: violate("\(event) is delivered and was rolled back")
        case .open, .committed, .forgotten, .deleted: break
        }
    }

    /// A record counts: it is no transaction's, or of one that is committed (I5).
    func found(_ event: Int, by consumer: Int, at place: SimulatedBrokers.Place) {
        let times = account.found[consumer][event, default: 0] + 1
        account.found[consumer][event] = times
        if times == 1 {
            order[consumer].append((event, place.topic))
            if consumer == 1 { account.deliveredFirst(event, at: now) }
        }
        guard times > 1 else { return }
        if consumer == 1 {
            if times > 1 + account.repeats[event, default: 0] {
                violate("\(event) (position \(account.entries[event].position)) is delivered twice, exactly once")
            }
        } else if isCalm {
            violate("\(event) is delivered twice, without a fault")
        }
    }

    /// What was committed is delivered (I1), in order (I3).
    func checkTopics() {
        for consumer in RelayTables.consumers.indices {
            var last: [String: Int64] = [:]
            for (event, topic) in order[consumer] {
                let entry = account.entries[event]
                guard entry.fate == .committed, database.state.rows[entry.position] == event else { continue }
                let key = "\(topic) \(entry.aggregate)"
                if let before = last[key], before > entry.position {
                    violate(
                        "consumer \(consumer): \(before) of aggregate \(entry.aggregate) came before \(entry.position)")
                }
                last[key] = entry.position
            }
            for (position, event) in database.state.rows.sorted(by: { $0.key < $1.key }) {
                let entry = account.entries[event]
                let segment = segment(of: entry.aggregate, consumer)
                if account.found[consumer][event] != nil || gone.contains(event) { continue }
                if database.state.tables.letters[consumer][position]?.event == event { continue }
                let scope = passed[consumer][segment].first { $0.position >= position }?.scope ?? scopes[consumer]
                guard isWanted(event, by: scope) else { continue }
                violate("consumer \(consumer): \(event) at \(position) is committed, and nowhere")
            }
        }
    }

    /// A worker hands over events of segments: nobody else has relied on them under a later claim (section 4).
    func relies(_ process: RelayProcess, _ consumer: Int, _ claims: [SegmentClaim]) {
        for claim in claims {
            let row = database.state.tables.segments[consumer][claim.segment]
            if let last = reliance[consumer][claim.segment], last.worker != process.name, last.epoch > claim.epoch,
                last.life == database.life, !account.hasJustAccepted(at: now)
            {
                violate(
                    "\(process.name) relies on \(consumer)/\(claim.segment) under epoch \(claim.epoch), and \(last.worker) has under \(last.epoch)"
                )
            }
            if row.owner == process.name || reliance[consumer][claim.segment].map({ $0.epoch <= claim.epoch }) ?? true {
                reliance[consumer][claim.segment] = (process.name, claim.epoch, database.life)
            }
        }
    }

    func rescoped(to scope: EventScope) {
        note("consumer 1 wants \(scope.isAll ? "all" : scope.aggregateTypes.description)")
        scopes[1] = scope
    }
}
