import Consumers
import EventSourcing
import KafkaBridge
import Postgres

/// What is wrong with a database, from the facts. A pure decision.
struct DatabaseVerdict: Sendable {
    let tables: TableNames
    let latestVersion: Int
    let notify: NotifySection.Mode
    /// The configured number of segments by consumer.
    let segments: [String: Int]
    /// How old a transaction that holds events back may be, in seconds.
    var longestHold = 10.0
    var greatestSkew = 1.0
    /// Whether idle writers are to be ended.
    var endsIdleWriters = false
    /// Consumers that deliver exactly once, whose segments are fixed.
    var exactlyOnce: Set<String> = []
    /// Whether relays remove what is delivered.
    var prunes = false
    /// Which sessions a relay has.
    var sessionNeed: SessionNeed?

    func findings(_ facts: DatabaseFacts) -> [Finding] {
        // Nothing else was looked at.
        if facts.pooler == .transaction { return server(facts) }
        return findingsOfSession(facts)
    }

    private func findingsOfSession(_ facts: DatabaseFacts) -> [Finding] {
        server(facts) + sessions(facts) + schema(facts) + shape(facts) + rights(facts) + sequence(facts)
            + writers(facts)
            + started(facts) + retention(facts) + scopes(facts)
    }

    /// A relay that runs already has its sessions among those that are used.
    private func sessions(_ facts: DatabaseFacts) -> [Finding] {
        guard let sessionNeed else { return [] }
        if facts.pooler == .session {
            return [.note("sessions", "a relay has \(sessionNeed.text): the pooler must have room for them")]
        }
        guard let room = facts.sessionRoom, let shortage = room.shortage(of: sessionNeed) else { return [] }
        return [.warning("sessions", shortage, room.tightest?.remedy)]
    }

    private func scopes(_ facts: DatabaseFacts) -> [Finding] {
        let unknown = facts.unknownScopeNames.sorted { $0.key < $1.key }.map { consumer, text in
            Finding.warning(
                "scope_names", "consumer \(consumer): \(text)",
                "correct bounded_contexts and aggregate_types of the consumer, unless such events are still to come")
        }
        let collisions = facts.topicCollisions.map {
            Finding.warning(
                "topic_collision", $0,
                "events of the second could not be delivered; change the template, or set \"topics\"")
        }
        let changes = facts.scopeChanges.map { change in
            let words = "consumer \(change.consumer): its scope changes from \(change.before) to \(change.now)"
            return change.commands.isEmpty
                ? Finding.note("scope_change", "\(words) at its next start; that adds no earlier event")
                : Finding.warning(
                    "scope_change",
                    "\(words) at its next start, which passes over \(change.events) earlier events that it adds",
                    "to publish them after the start: \(change.commands.map { "`\($0)`" }.joined(separator: "; "))")
        }
        return unknown + collisions + changes
    }

    private func server(_ facts: DatabaseFacts) -> [Finding] {
        var findings: [Finding] = []
        if facts.serverVersion < 120_000 {
            findings.append(
                .error(
                    "server_version",
                    "PostgreSQL \(facts.serverVersion / 10_000) is older than what Godwit is made for",
                    "upgrade the server to 12 or newer"))
        }
        if facts.isStandby {
            findings.append(
                .error(
                    "standby",
                    "the server is a standby: who writes events does not show there, so some would be skipped",
                    "name the primary in database.url, or add target_session_attrs=primary to it"))
        }
        if facts.isReadOnly, !facts.isStandby {
            findings.append(
                .error(
                    "read_only", "the server takes no writes from this role: nothing can be relayed",
                    "see default_transaction_read_only; managed services set it when the disk is full"))
        }
        switch facts.pooler {
        case .none: break
        case .session:
            findings.append(
                .note("pooler", "a pooler is between, and keeps a session for each client: that works"))
        case .transaction:
            findings.append(
                .error(
                    "pooler",
                    "a pooler in transaction mode is between: session locks, LISTEN and settings do not survive it",
                    "name PostgreSQL itself in database.url, or a pool with pool_mode = session"))
        }
        if abs(facts.clockSkew) > greatestSkew + facts.clockUncertainty {
            let direction = facts.clockSkew > 0 ? "ahead of" : "behind"
            findings.append(
                .warning(
                    "clock_skew",
                    "the database's clock is \(Self.seconds(abs(facts.clockSkew))) \(direction) this host's: ages and lag are off by it",
                    "have both keep time: timedatectl set-ntp true"))
        }
        return findings
    }

    private func schema(_ facts: DatabaseFacts) -> [Finding] {
        guard facts.existing.contains(tables.events) else {
            return tables.columns == nil
                ? [.error("schema", "there is no table \(tables.events.text)", "godwit migrate")]
                : [.error("source", "there is no table \(tables.events.text)", "correct source.table")]
        }
        guard let version = facts.schemaVersion else { return [] }
        if version < latestVersion {
            return [
                .error(
                    "schema", "the schema is at version \(version), and \(latestVersion) is needed", "godwit migrate")
            ]
        }
        if version > latestVersion {
            return [
                .warning(
                    "schema", "the schema is at version \(version), newer than this program's \(latestVersion)",
                    "use the newer program for all relays")
            ]
        }
        return []
    }

    /// Table and columns, by name.
    private func shape(_ facts: DatabaseFacts) -> [Finding] {
        var findings = facts.shapeProblems.filter { !$0.isRight }.map { Finding.error("source", $0.text, nil) }
        if !facts.hasPositionIndex, findings.isEmpty, facts.existing.contains(tables.events) {
            let column = quoteIdentifier(tables.source.position)
            findings.append(
                .warning(
                    "source_index",
                    "no index of \(tables.events.text) begins with the positions: each look goes through the whole table",
                    "CREATE UNIQUE INDEX CONCURRENTLY ON \(tables.events.sql) (\(column))"))
        }
        return findings
    }

    private func rights(_ facts: DatabaseFacts) -> [Finding] {
        if facts.isSuperuser {
            return [
                .note(
                    "superuser", "the role \(facts.role) is a superuser; relaying needs little of that",
                    "CREATE ROLE relay LOGIN PASSWORD '…'; then: godwit migrate --grants relay")
            ]
        }
        var missing: [String] = []
        // The events' columns are looked at one by one.
        let namesColumns = facts.shapeProblems.contains(where: \.isRight)
        for entry in TableRights.all(tables, prunes: prunes)
        where facts.existing.contains(entry.table) && !(namesColumns && entry.table == tables.events) {
            let lacking = entry.relay.filter { !facts.rights.contains(.init(table: entry.table, name: $0.name)) }
            if !lacking.isEmpty {
                missing.append("\(lacking.map(\.name).joined(separator: ", ")) on \(entry.table.text)")
            }
        }
        if let sequence = facts.sequence, !sequence.isReadable { missing.append("SELECT on \(sequence.name)") }
        var findings = facts.shapeProblems.filter(\.isRight).map { Finding.error("grants", $0.text, nil) }
        if !missing.isEmpty {
            findings.append(
                .error(
                    "grants", "the role \(facts.role) lacks \(missing.joined(separator: "; "))",
                    "as the tables' owner: godwit migrate --grants \(facts.role)"))
        }
        if endsIdleWriters, !facts.maySignal {
            findings.append(
                .error(
                    "signal_rights",
                    "the role \(facts.role) may not see and end others' sessions, which horizon.end_idle_writers_after asks for",
                    "as a superuser: GRANT pg_signal_backend, pg_read_all_stats TO \(facts.role), or godwit migrate --grants \(facts.role)"
                ))
        }
        let excess = (prunes ? ["UPDATE"] : ["UPDATE", "DELETE"]).filter {
            facts.rights.contains(.init(table: tables.events, name: $0))
        }
        if !excess.isEmpty {
            findings.append(
                .note(
                    "excess_rights",
                    "the role \(facts.role) may \(excess.joined(separator: " and ")) events, which relaying never does",
                    "REVOKE \(excess.joined(separator: ", ")) ON \(tables.events.sql) FROM \(facts.role); or relay as another role"
                ))
        }
        return findings
    }

    private func sequence(_ facts: DatabaseFacts) -> [Finding] {
        guard facts.existing.contains(tables.events), !facts.shapeProblems.contains(where: { !$0.isRight }) else {
            return []
        }
        guard let sequence = facts.sequence else {
            return [
                .error(
                    "sequence", "\(tables.events.text).\(tables.source.position) draws from no sequence",
                    tables.columns == nil
                        ? "make it bigserial, or an identity column"
                        : "godwit adopt \(tables.events.text) prints what gives it one")
            ]
        }
        var findings: [Finding] = []
        if sequence.cache > 1 {
            findings.append(
                .error(
                    "sequence_cache",
                    "the sequence \(sequence.name) has CACHE \(sequence.cache): sessions draw positions ahead, so events would be skipped",
                    "ALTER SEQUENCE \(sequence.name) CACHE 1; then end the sessions that write"))
        }
        if sequence.increment != 1 || sequence.cycles {
            findings.append(
                .error(
                    "sequence", "the sequence \(sequence.name) does not count up by one, without end",
                    "ALTER SEQUENCE \(sequence.name) INCREMENT 1 NO CYCLE"))
        }
        if findings.isEmpty, facts.shapeProblems.isEmpty {
            findings += facts.sourceProblems.map { .error("source", $0, "fix it, or see godwit accept-source") }
        }
        return findings + wakeups(sequence, facts)
    }

    private func wakeups(_ sequence: DatabaseFacts.Sequence, _ facts: DatabaseFacts) -> [Finding] {
        let install = "godwit migrate --notify-trigger install"
        switch notify {
        case .never: return []
        case .auto where !sequence.hasNotifyTrigger:
            return [
                .note(
                    "notify_trigger", "inserts do not notify relays, which look at each worker.poll_interval", install)
            ]
        case .auto where facts.allowsPreparing:
            return [
                .note(
                    "notify_trigger",
                    "relays look at each worker.poll_interval, because the server lets transactions be prepared "
                        + "(max_prepared_transactions), which PostgreSQL refuses after a notification",
                    "if nobody prepares transactions that append events, set notify.mode: adaptive")
            ]
        case .auto where facts.hasPartitions:
            return [
                .note(
                    "notify_trigger",
                    "relays look at each worker.poll_interval, because the events table has partitions, and an insert into a "
                        + "partition by its own name does not notify",
                    "if all inserts name the table itself, set notify.mode: adaptive")
            ]
        case .adaptive where !sequence.hasNotifyTrigger, .always where !sequence.hasNotifyTrigger:
            return [
                .note(
                    "notify_trigger", "only appends through Godwit notify; other writers' events wait for the fallback",
                    install)
            ]
        case .auto, .adaptive, .always: return []
        }
    }

    /// How relays learn of new events, in a few words.
    func wakeup(_ facts: DatabaseFacts) -> String {
        let isNotified =
            switch notify {
            case .never: false
            case .auto: facts.sequence?.hasNotifyTrigger == true && !facts.allowsPreparing && !facts.hasPartitions
            case .adaptive, .always: true
            }
        return isNotified ? "relays are woken by NOTIFY" : "relays poll"
    }

    private func writers(_ facts: DatabaseFacts) -> [Finding] {
        facts.writers.compactMap { writer in
            if let gid = writer.preparedTransaction {
                let age = writer.age.map { " for \(Self.seconds($0))" } ?? ""
                return .error(
                    "horizon", "the prepared transaction \(gid) has written events and holds back all later ones\(age)",
                    "COMMIT PREPARED '\(gid.replacing("'", with: "''"))' or ROLLBACK PREPARED the same")
            }
            guard let process = writer.processID else { return nil }
            let name = writer.application.isEmpty ? "without application_name" : "of \(writer.application)"
            guard let age = writer.age else {
                guard writer.isLasting else { return nil }
                return .warning(
                    "horizon",
                    "process \(process) \(name) has been writing events for seconds: later events wait for it",
                    "GRANT pg_read_all_stats TO \(facts.role) shows its age; SELECT pg_terminate_backend(\(process)) ends it"
                )
            }
            guard age > longestHold else { return nil }
            let state = writer.state.map { ", \($0)" } ?? ""
            return .error(
                "horizon",
                "process \(process) \(name)\(state) has written events and not committed for \(Self.seconds(age)): later events wait for it",
                "SELECT pg_terminate_backend(\(process))")
        }
    }

    private func retention(_ facts: DatabaseFacts) -> [Finding] {
        guard prunes else { return [] }
        let guards = facts.guards.warnings.map { Finding.warning("retention", $0, nil) }
        let others = facts.others.map {
            Finding.warning(
                "retention",
                "delivered rows are kept: \(RetentionPlan.Hold(position: 0, holder: .elsewhere($0)))", nil)
        }
        return guards + others + held(facts)
    }

    private func held(_ facts: DatabaseFacts) -> [Finding] {
        guard let pruned = facts.pruned else {
            return [
                .note(
                    "retention", "nothing was removed yet, and no process has looked what can be",
                    "godwit prune --dry-run")
            ]
        }
        return pruned.heldBy.isEmpty
            ? []
            : [
                .note(
                    "retention", "delivered rows are kept: \(pruned.heldBy)",
                    "godwit prune --dry-run shows all that keeps them")
            ]
    }

    private func started(_ facts: DatabaseFacts) -> [Finding] {
        segments.sorted { $0.key < $1.key }.compactMap { consumer, configured in
            guard let recorded = facts.segments[consumer], recorded != configured else { return nil }
            let remedy = "set consumers.\(consumer).total_segments: \(recorded)"
            let text = "the consumer \(consumer) has \(recorded) segments, and \(configured) are configured"
            return exactlyOnce.contains(consumer)
                ? .error("segments", text, remedy)
                : .note("segments", "\(text), which holds for a first start only", "\(remedy), or godwit resegment")
        }
    }

    static func seconds(_ age: Double) -> String {
        age < 120 ? "\((age * 10).rounded() / 10) s" : "\(Int(age / 60)) min"
    }
}
