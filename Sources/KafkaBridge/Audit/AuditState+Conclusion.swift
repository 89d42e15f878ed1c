import Kafka

extension AuditState {
    /// What is reported of a step.
    struct Findings: Sendable, Equatable {
        /// Missing since this step, ascending.
        var missing: [Int64] = []
        var disordered: [Int64] = []
        var misplaced: [Int64] = []
        var doubled = 0
        /// Missing before, and found now.
        var recovered: [Int64] = []
        /// Not found, and looked for again.
        var suspects = 0
    }

    /// The events of the window about which something must be found out, since no topic has them.
    func absent(reachedEnds: Bool) -> [Int] {
        guard let window, reachedEnds else { return [] }
        return window.ledger.absent.filter { index in
            index >= window.repeated || !record.missing.contains(window.ledger.positions[index])
        }
    }

    /// Whether all events that were not found can be looked for again in the next step.
    var hasRoomForSuspects: Bool { record.suspects.count + left <= limits.suspects }

    /// Ends the step.
    ///
    /// - Parameters:
    ///   - absences: what is known of the events that were not found, by their indices in the window, once the ends of the
    ///     topics were reached.
    ///   - drawn: no event that was read of in this step lies behind this position.
    mutating func conclude(_ absences: [Int: Absence.Kind], reachedEnds: Bool, drawn: Int64) -> Findings {
        guard let window else { return Findings() }
        assert(left == 0 || reachedEnds)
        self.window = nil
        pending = absences.values.count { $0 == .pending }
        var findings = Findings()
        let doubledBefore = record.counts.doubled
        concludeRepeated(window, absences, reachedEnds, &findings)
        for index in window.repeated..<window.ledger.count {
            record.counts.committed += 1
            conclude(index, window.ledger, absences[index], &findings)
        }
        for index in window.ledger.outOfOrder(&order) {
            record.counts.disordered += 1
            findings.disordered.append(window.ledger.positions[index])
        }
        findings.doubled = Int(record.counts.doubled - doubledBefore)
        findings.suspects = record.suspects.count
        record.position = window.through
        remember(window.ledger)
        ahead.endStep(drawn: drawn, audited: record.position)
        noteProgress()
        assert(record.counts.committed == record.counts.accounted + Int64(record.suspects.count))
        return findings
    }

    private mutating func conclude(
        _ index: Int, _ ledger: DeliveryLedger, _ absence: Absence.Kind?, _ findings: inout Findings
    ) {
        let position = ledger.positions[index]
        if ledger.isMisplaced(index) {
            record.counts.misplaced += 1
            findings.misplaced.append(position)
        }
        if ledger.isDelivered(index) {
            record.counts.delivered += 1
            if ledger.liveCount(index) > 1 { record.counts.doubled += 1 }
        } else if ledger.isDeadLetter(index) {
            record.counts.deadLettered += 1
        } else {
            switch absence {
            case .missing, .hidden, .pending, .unproven, nil:
                // Records may come late behind open transactions: it is looked for again before it counts.
                if record.suspects.count < limits.suspects {
                    record.suspects.append(position)
                } else {
                    record.counts.unproven += 1
                }
            case .some(let kind): count(kind, position)
            }
        }
    }

    private mutating func count(_ kind: Absence.Kind, _ position: Int64) {
        record.counts.add(kind)
        if kind == .parked, record.parked.count < limits.parked { record.parked.append(position) }
    }

    /// What has become of the events that were not found before.
    private mutating func concludeRepeated(
        _ window: Window, _ absences: [Int: Absence.Kind], _ reachedEnds: Bool, _ findings: inout Findings
    ) {
        let (suspects, missing, parked) = (record.suspects, Set(record.missing), Set(record.parked))
        record.suspects = []
        // Rows of events that are gone from the database show nothing any more, and stay counted.
        record.parked.removeAll { window.ledger.index(at: $0) == nil }
        var looked: Set<Int64> = []
        for index in 0..<window.repeated {
            let position = window.ledger.positions[index]
            looked.insert(position)
            if missing.contains(position) {
                guard window.ledger.isAccounted(index) else { continue }
                record.counts.missing -= 1
                record.missing.removeAll { $0 == position }
                findings.recovered.append(position)
                conclude(index, window.ledger, nil, &findings)
            } else if parked.contains(position) {
                // It was parked, and is until something else shows.
                let isFound = window.ledger.isAccounted(index)
                let absence = reachedEnds ? absences[index] ?? .parked : .parked
                if !isFound, absence == .parked { continue }
                record.parked.removeAll { $0 == position }
                record.counts.parked -= 1
                conclude(index, window.ledger, absence, &findings)
            } else if window.ledger.isAccounted(index) {
                conclude(index, window.ledger, nil, &findings)
            } else {
                switch absences[index] {
                case _ where !reachedEnds: record.suspects.append(position)
                case .hidden, .pending, nil: record.suspects.append(position)
                case .some(let kind):
                    count(kind, position)
                    if kind == .missing {
                        findings.missing.append(position)
                        if record.missing.count < limits.missing { record.missing.append(position) }
                    }
                }
            }
        }
        // The rows of events that are gone from the database can show nothing any more.
        record.counts.unproven += Int64(suspects.count { !looked.contains($0) })
        record.missing.sort()
        record.parked.sort()
    }

    private mutating func remember(_ ledger: DeliveryLedger) {
        if ledger.count > 0 { recent.append(ledger) }
        var sum = recent.reduce(0) { $0 + $1.count }
        while recent.count > 1, sum - recent[0].count >= limits.recent {
            sum -= recent.removeFirst().count
        }
    }

    /// What a process that knows nothing of what is kept ahead has to read again.
    private mutating func noteProgress() {
        let lowest = ahead.lowestOffsets
        record.progress = [:]
        for (place, partition) in partitions.enumerated() {
            let next = min(partition.next, lowest[UInt16(place)] ?? .max)
            record.progress[partition.name] = AuditRecord.Progress(next: next, since: partition.since)
        }
    }
}
