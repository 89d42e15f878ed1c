import EventSourcing
import Testing

@testable import Appliance

@Suite struct DatabaseVerdictTests {
    private let tables = TableNames()

    private var healthy: DatabaseFacts {
        var facts = DatabaseFacts()
        facts.role = "relay"
        facts.schemaVersion = 9
        facts.sequence = .init(name: "events_seq")
        for entry in TableRights.all(tables) {
            facts.existing.insert(entry.table)
            for right in entry.relay { facts.rights.insert(.init(table: entry.table, name: right.name)) }
        }
        return facts
    }

    private func findings(
        notify: NotifySection.Mode = .never, segments: [String: Int] = [:], _ change: (inout DatabaseFacts) -> Void
    ) -> [Finding] {
        var facts = healthy
        change(&facts)
        return DatabaseVerdict(tables: tables, latestVersion: 9, notify: notify, segments: segments).findings(facts)
    }

    @Test func `a database with all that is needed has no findings`() {
        #expect(findings { _ in }.isEmpty)
    }

    @Test func `each flaw is one finding, with what fixes it`() throws {
        typealias Case = (
            check: String, severity: Finding.Severity, remedy: String, change: (inout DatabaseFacts) -> Void
        )
        let cases: [Case] = [
            ("server_version", .error, "upgrade", { $0.serverVersion = 110_000 }),
            ("standby", .error, "primary", { $0.isStandby = true }),
            ("read_only", .error, "disk", { $0.isReadOnly = true }),
            ("pooler", .error, "pool_mode = session", { $0.pooler = .transaction }),
            ("clock_skew", .warning, "timedatectl", { $0.clockSkew = -3 }),
            ("schema", .error, "godwit migrate", { $0.schemaVersion = 8 }),
            ("schema", .warning, "newer", { $0.schemaVersion = 10 }),
            (
                "grants", .error, "--grants relay",
                { $0.rights.remove(.init(table: TableNames().events, name: "SELECT")) }
            ),
            ("grants", .error, "--grants relay", { $0.sequence?.isReadable = false }),
            ("excess_rights", .note, "REVOKE", { $0.rights.insert(.init(table: TableNames().events, name: "DELETE")) }),
            ("superuser", .note, "CREATE ROLE", { $0.isSuperuser = true }),
            ("sequence", .error, "identity column", { $0.sequence = nil }),
            ("sequence_cache", .error, "CACHE 1", { $0.sequence?.cache = 2 }),
            ("sequence", .error, "INCREMENT 1", { $0.sequence?.increment = 2 }),
            ("sequence", .error, "NO CYCLE", { $0.sequence?.cycles = true }),
            (
                "horizon", .error, "pg_terminate_backend(42)",
                { $0.writers = [.init(processID: 42, application: "shop", age: 11)] }
            ),
            (
                "horizon", .warning, "pg_read_all_stats TO relay",
                { $0.writers = [.init(processID: 42, age: nil, isLasting: true)] }
            ),
            ("horizon", .error, "COMMIT PREPARED 'x''y'", { $0.writers = [.init(preparedTransaction: "x'y")] }),
        ]
        for (check, severity, remedy, change) in cases {
            let found = findings(change)
            #expect(found.count == 1, "\(found)")
            #expect(found.first?.check == check && found.first?.severity == severity, "\(found)")
            #expect(found.first?.remedy?.contains(remedy) == true, "\(found)")
        }
    }

    @Test func `nothing else is reported where there is no schema`() {
        let found = findings {
            $0.existing = []; $0.rights = []; $0.sequence = nil; $0.schemaVersion = 0
        }
        #expect(found.map(\.check) == ["schema"])
    }

    @Test func `what is young, uncertain or unknown is no finding`() {
        #expect(findings { $0.writers = [.init(processID: 42, age: 9)] }.isEmpty)
        #expect(findings { $0.writers = [.init(processID: 42, age: nil)] }.isEmpty)
        #expect(
            findings {
                $0.clockSkew = 3; $0.clockUncertainty = 2.5
            }.isEmpty)
        #expect(findings { $0.schemaVersion = nil }.isEmpty)
    }

    @Test func `segments are compared for consumers that were started`() {
        let found = findings(segments: ["a": 4, "b": 8, "c": 2]) { $0.segments = ["a": 4, "b": 4] }
        #expect(found.map(\.check) == ["segments"])
        #expect(found.first?.severity == .note)
        #expect(found.first?.remedy == "set consumers.b.total_segments: 4, or godwit resegment")
        var verdict = DatabaseVerdict(tables: TableNames(), latestVersion: 9, notify: .never, segments: ["b": 8])
        verdict.exactlyOnce = ["b"]
        var facts = DatabaseFacts()
        facts.segments = ["b": 4]
        let refused = verdict.findings(facts).first { $0.check == "segments" }
        #expect(refused?.severity == .error)
        #expect(refused?.remedy == "set consumers.b.total_segments: 4")
    }

    @Test func `the trigger is worth a note where appends are to notify`() {
        #expect(findings(notify: .adaptive) { _ in }.map(\.check) == ["notify_trigger"])
        #expect(findings(notify: .adaptive) { $0.sequence = .init(name: "s", hasNotifyTrigger: true) }.isEmpty)
        #expect(findings(notify: .auto) { _ in }.map(\.check) == ["notify_trigger"])
        #expect(findings(notify: .auto) { $0.sequence = .init(name: "s", hasNotifyTrigger: true) }.isEmpty)
        let polling = findings(notify: .auto) {
            $0.sequence = .init(name: "s", hasNotifyTrigger: true)
            $0.allowsPreparing = true
        }
        #expect(polling.map(\.check) == ["notify_trigger"])
        #expect(polling[0].message.contains("max_prepared_transactions"))
    }

    @Test func `who is to end idle writers must be allowed to`() {
        var facts = healthy
        facts.maySignal = false
        var verdict = DatabaseVerdict(tables: tables, latestVersion: 9, notify: .never, segments: [:])
        #expect(!verdict.findings(facts).contains { $0.check == "signal_rights" })
        verdict.endsIdleWriters = true
        let found = verdict.findings(facts).first { $0.check == "signal_rights" }
        #expect(found?.severity == .error && found?.remedy?.contains("pg_signal_backend") == true)
    }
}
