@testable import Consumers

/// The database of a history: rows, sessions and locks. It does what the SQL of ``WorkersTable`` does.
extension LeaseHistory {
    mutating func arrive(_ index: Int, _ statement: Int, _ request: Request, _ session: Int?, _ sent: Int) {
        let worker = workers[index]
        // A killed process's last statement is carried out all the same, unless its session has ended.
        if worker.isCut(at: now) { return }
        var answer = Answer.lost
        if case .connect = request {
            statements += 1
            sessions.insert(statements)
            answer = .connected(session: statements)
        } else if let session, sessions.contains(session) {
            answer = carryOut(request, worker, session)
        }
        // Answers get lost by cuts, see `Event.answer`.
        schedule(.answer(worker: index, statement: statement, answer: answer, sent: sent), at: now + delay(index))
    }

    private mutating func carryOut(_ request: Request, _ worker: Worker, _ session: Int) -> Answer {
        switch request {
        case .connect: return .lost
        case .beat: return beat(worker, session)
        case .look: return .look(missing: look(worker))
        case .claim:
            if owner == nil, segmentLockedUntil <= now {
                owner = worker.name
                epoch += 1
                takeovers += 1
                lastClaim = now
            }
            return .claimed
        case .owned: return .owned(epoch: owner == worker.name ? epoch : nil)
        }
    }

    private mutating func beat(_ worker: Worker, _ session: Int) -> Answer {
        if locks[worker.name] == nil { locks[worker.name] = session }
        let isHeld = locks[worker.name] == session
        if let row = rows[worker.name], row.lockedUntil > now { return .beat(isNoted: false, isBegun: false) }
        let isBegun = rows[worker.name] == nil
        var row = Row(beat: now, hasSessionLock: true, session: session)
        if worker.version == .current {
            let isOlderThere = rows.contains {
                $0.key != worker.name && $0.value.hasSessionLock && $0.value.staleAfter == nil
            }
            row.hasSessionLock = isHeld && !isOlderThere
            row.takeoverAfter = isHeld ? worker.terms.takeover : nil
            row.staleAfter = worker.terms.stale
        }
        rows[worker.name] = row
        return .beat(isNoted: true, isBegun: isBegun)
    }

    private mutating func look(_ worker: Worker) -> [String] {
        for (name, row) in rows where name != worker.name && row.lockedUntil <= now {
            let age: Duration = .milliseconds(now - row.beat)
            let seen = WorkerRow(
                age: age, hasSessionLock: row.hasSessionLock, isLockFree: locks[name] == nil,
                takeoverAfter: row.takeoverAfter, staleAfter: row.staleAfter)
            var isDead = seen.isDead(ownStale: worker.terms.stale)
            if worker.version == .before {
                isDead =
                    age > worker.terms.stale || row.hasSessionLock && locks[name] == nil && age > worker.terms.beat
            }
            guard isDead else { continue }
            // A session that lives speaks for its worker: only a beat that is older than the stale threshold does not count.
            if worker.version == .current, let stale = row.staleAfter, age <= stale, sessions.contains(row.session) {
                violation = "at \(now) ms \(name) is taken for dead after \(age), while its session lives"
            }
            if owner == name {
                if segmentLockedUntil > now { continue }
                owner = nil
            }
            rows[name] = nil
        }
        guard let owner, rows[owner] == nil, locks[owner] == nil else { return [] }
        let isFreed = worker.missing.expired(at: clock(worker, now)).contains(owner)
        if isFreed, segmentLockedUntil <= now { self.owner = nil }
        return [owner]
    }
}
