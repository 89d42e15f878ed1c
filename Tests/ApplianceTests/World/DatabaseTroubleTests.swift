import Foundation
import Glibc
import LocalPostgres
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// What happens to a database, and to the way to it, under a running relay.
@Suite(.serialized, .timeLimit(.minutes(4))) struct DatabaseTroubleTests {
    /// A relay whose way to the database leads through a proxy.
    private func throughProxy(
        _ settings: [String: String] = [:], _ options: LocalPostgres.Options = LocalPostgres.Options(),
        _ body: (WorldFixture, TestProxy) async throws -> Void
    ) async throws {
        try await WorldFixture.with(options) { world in
            let (proxy, url) = try TestProxy.before(world.postgres.url(user: "relay"))
            world.configure(["GODWIT_DATABASE_URL": url].merging(settings) { $1 })
            do {
                try world.startRelay()
                try await world.append(20)
                try await world.expectEverythingDelivered()
                try await body(world, proxy)
                proxy.close()
            } catch {
                proxy.close()
                throw error
            }
        }
    }

    /// The relay ends within the time.
    private func expectEnd(
        _ world: WorldFixture, within limit: Duration, _ statuses: [Int32],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let (relay, start) = (try world.relay, ContinuousClock.now)
        let result = try await deadline { await relay.result() }
        #expect(ContinuousClock.now - start < limit, sourceLocation: sourceLocation)
        #expect(statuses.contains(result.exitCode), "\(result.standardError)", sourceLocation: sourceLocation)
    }

    // MARK: Silence

    @Test func `connections that fall silent are given up and made anew`() async throws {
        try await throughProxy { world, proxy in
            world.beginChange()
            proxy.set(.silentForOld)
            try await world.append(20)
            try await world.expectEverythingDelivered(within: .seconds(15))
            #expect(try world.log.contains("the database is away"))
        }
    }

    /// The server knows that it is not at work for it.
    @Test func `a single connection that falls silent is given up too`() async throws {
        try await throughProxy { world, proxy in
            try await world.letRelayLook()
            world.beginChange()
            // The one that reads: the others are made anew, and pass.
            let reader = try await world.number(
                """
                SELECT pid::bigint FROM pg_stat_activity WHERE usename = 'relay' AND query LIKE '%pg_sequence_last_value%'
                    AND query NOT LIKE '%consumer_workers%' ORDER BY query_start DESC LIMIT 1
                """)
            proxy.set(.silentForOld)
            try await world.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'relay' AND pid <> \(reader)")
            try await world.append(20)
            try await world.expectEverythingDelivered(within: .seconds(20))
        }
    }

    /// So rarely does anything but notifications wake the relay that a test would end before.
    private static let notifiedOnly = ["GODWIT_NOTIFY_MODE": "auto", "GODWIT_NOTIFY_FALLBACK_INTERVAL": "1h"]
    /// Without prepared transactions, so that the trigger notifies.
    private static var notifying: LocalPostgres.Options {
        var options = LocalPostgres.Options()
        options.maxPreparedTransactions = 0
        return options
    }

    /// The sessions of the relay that listen and have asked for notifications.
    private static let listeners = """
        SELECT count(*) FROM pg_stat_activity WHERE usename = 'relay'
            AND query LIKE '%notify_requests%'
        """

    @Test func `a listener whose server was restarted behind its back is not waited for`() async throws {
        try await throughProxy(Self.notifiedOnly, Self.notifying) { world, proxy in
            try await eventually("nobody asks for notifications") {
                try await world.number("SELECT count(*) FROM godwit.notify_requests") > 0
            }
            world.beginChange()
            proxy.set(.silentForOld)
            try await world.postgres.restart(.immediate)
            try await eventually("the loss is not noticed: \(try world.log)", within: .seconds(20)) {
                try world.log.contains("the database is back")
            }
            try await world.append(20)
            try await world.expectEverythingDelivered(within: .seconds(6))
            try await eventually("nobody listens", within: .seconds(6)) {
                try await world.number(Self.listeners) > 0
            }
        }
    }

    /// A relay, asked on its admin port, whose sessions are ended for some seconds.
    private func ending(
        _ sessions: String, each pause: Duration, for time: Duration, _ settings: [String: String] = [:],
        _ body: (WorldFixture, AdminPort, _ answers: [(after: Duration, status: Int, text: String)]) async throws ->
            Void
    ) async throws {
        let port = try AdminPort()
        try await WorldFixture.withFlowing(prepare: { $0.configure(settings.merging(port.variables) { $1 }) }) {
            world in
            try await port.wait(for: 200, at: "/readyz")
            world.beginChange()
            let (start, killer) = (ContinuousClock.now, try await world.session("killer"))
            try await killer.insert()
            let killing = Task {
                while !Task.isCancelled {
                    try await killer.query(
                        Statement(
                            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'relay' AND \(sessions)"
                        ))
                    try await Task.sleep(for: pause)
                }
            }
            defer { killing.cancel() }
            var answers: [(after: Duration, status: Int, text: String)] = []
            while ContinuousClock.now - start < time {
                let answer = try await port.get("/readyz")
                answers.append((ContinuousClock.now - start, answer.status, answer.body))
                try await Task.sleep(for: .milliseconds(200))
            }
            killing.cancel()
            _ = try? await killing.value
            try await body(world, port, answers)
            try await world.append(20)
            try await world.expectEverythingDelivered()
            try await port.wait(for: 200, at: "/readyz")
        }
    }

    @Test func `sessions that are ended again and again cost few lines`() async throws {
        // As by default, with a reason not to rely on the trigger.
        let settings = [
            "GODWIT_NOTIFY_MODE": "auto", "GODWIT_WORKER_HEARTBEAT_INTERVAL": "2s",
            "GODWIT_WORKER_TOTAL_SEGMENTS": "16",
        ]
        try await ending("true", each: .milliseconds(250), for: .seconds(10), settings) { world, _, _ in
            let log = try world.log
            #expect(log.split(separator: "\n").count <= 6, "\(log)")
            #expect(!log.contains("waiting for it: the database is away"), "\(log)")
            try await eventually("no line says how often: \(try world.log)", within: .seconds(25)) {
                try world.log.contains("the database went away ")
            }
        }
    }

    /// The heartbeat has a session all the time, and the reader one after the other.
    @Test func `a reader that gets sessions and can read nothing shows in the probe`() async throws {
        let reader = "query LIKE '%pg_sequence_last_value%' AND query NOT LIKE '%consumer_workers%'"
        try await ending(reader, each: .milliseconds(1), for: .seconds(10)) { _, _, answers in
            // Some look may get through.
            let said = answers.filter { $0.status == 503 && $0.text.contains("nothing could be read for") }
            #expect(!said.isEmpty, "\(answers)")
        }
    }

    @Test func `a listener that was refused is made as soon as the database lets the heartbeat in`() async throws {
        try await WorldFixture.with(Self.notifying) { world in
            try await world.execute("ALTER ROLE relay NOSUPERUSER")
            try await world.migrate("--grants", "relay")
            world.configure(Self.notifiedOnly)
            try world.startRelay()
            try await world.append(3)
            try await world.expectEverythingDelivered()
            try await world.change("ALTER ROLE relay CONNECTION LIMIT 0")
            try await world.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'relay'")
            // Attempts have become rare by then.
            try await Task.sleep(for: .seconds(16))
            try await world.execute("ALTER ROLE relay CONNECTION LIMIT -1")
            try await eventually("it is not reported: \(try world.log)", within: .seconds(5)) {
                try world.log.contains("the database is back")
            }
            try await eventually("nobody listens", within: .seconds(2)) {
                try await world.number(Self.listeners) > 0
            }
        }
    }

    /// It is asked for behind a heartbeat that works.
    @Test func `what is missing beside the heartbeat is reported once, and tried again in its time`() async throws {
        try await WorldFixture.withFlowing { world in
            try await world.change("ALTER TABLE godwit.consumer_controls RENAME TO moved")
            try await eventually("it is not reported: \(try world.log)") {
                try world.log.contains("a table, column or schema is missing")
            }
            try await Task.sleep(for: .seconds(3))
            let log = try world.log
            #expect(log.split(separator: "\n").count < 6, "\(log)")
            #expect(!log.contains("the database is back"))
            try await world.execute("ALTER TABLE godwit.moved RENAME TO consumer_controls")
            try await world.append(20)
            try await world.expectEverythingDelivered()
        }
    }

    @Test func `a server that answers nobody is waited for, and SIGTERM ends the wait`() async throws {
        try await throughProxy(["GODWIT_WORKER_SHUTDOWN_TIMEOUT": "2s"]) { world, proxy in
            world.beginChange()
            proxy.set(.silent)
            try await eventually("nothing is reported: \(try world.log)", within: .seconds(15)) {
                try world.log.contains("the database is away")
            }
            try world.relay.send(SIGTERM)
            try await expectEnd(world, within: .seconds(9), [0, 3])
        }
    }

    @Test func `a second SIGTERM ends the relay at once whatever is silent`() async throws {
        try await throughProxy { world, proxy in
            proxy.set(.silent)
            try await world.append(5)
            try await Task.sleep(for: .milliseconds(500))
            try world.relay.send(SIGTERM)
            try await Task.sleep(for: .milliseconds(300))
            try world.relay.send(SIGTERM)
            try await expectEnd(world, within: .seconds(4), [0, 3])
        }
    }

    @Test func `a server whose processes are stopped is waited for, and SIGTERM ends the wait`() async throws {
        try await WorldFixture.withFlowing(prepare: { $0.configure(["GODWIT_WORKER_SHUTDOWN_TIMEOUT": "2s"]) }) {
            world in
            let postmaster = try #require(await world.postgres.pid)
            world.beginChange()
            try signal(SIGSTOP, toChildrenOf: postmaster)
            do {
                try await eventually("nothing is reported: \(try world.log)", within: .seconds(15)) {
                    try world.log.contains("the database is away")
                }
                try world.relay.send(SIGTERM)
                try await expectEnd(world, within: .seconds(9), [0, 3])
                try signal(SIGCONT, toChildrenOf: postmaster)
            } catch {
                try signal(SIGCONT, toChildrenOf: postmaster)
                throw error
            }
        }
    }

    /// To a server, and to all that it has started.
    private func signal(_ signal: Int32, toChildrenOf postmaster: Int32) throws {
        let children = try String(contentsOfFile: "/proc/\(postmaster)/task/\(postmaster)/children", encoding: .utf8)
        for pid in [postmaster] + children.split(separator: " ").compactMap({ Int32($0) }) { kill(pid, signal) }
    }

    // MARK: Locks

    @Test func `a table that another session locks is reported, and waited for`() async throws {
        try await WorldFixture.withFlowing { world in
            let other = try await world.session("other")
            world.beginChange()
            try await other.execute(script: "BEGIN; LOCK consumer_segments IN ACCESS EXCLUSIVE MODE")
            try await eventually("it is not reported: \(try world.log)") {
                try world.log.contains("another session holds the lock")
            }
            // Asked while it lasts, none of them calls it well.
            let doctor = try await world.godwit("doctor")
            #expect(doctor.exitCode == 4, "\(doctor.standardOutput)")
            let status = try await world.godwit("status")
            #expect(status.exitCode == 16, "\(status.standardOutput)\(status.standardError)")
            try await other.execute(script: "COMMIT")
            try await world.append(20)
            try await world.expectEverythingDelivered()
            try await eventually("its end is not reported: \(try world.log)") {
                try world.log.contains("the tables can be used again")
            }
        }
    }

    @Test func `a process that cannot see how consumers stand says so, and needs no audit's table`() async throws {
        try await WorldFixture.with { world in
            let port = try AdminPort()
            world.configure(port.variables)
            try world.startRelay()
            try await world.append(3)
            try await world.expectEverythingDelivered()
            func codes() async throws -> [String] {
                try await port.get("/api/status").json["problems"]?.items.compactMap { $0["code"]?.string } ?? []
            }
            try await eventually("it is not well") { try await codes().isEmpty }
            try await world.execute("ALTER TABLE godwit.delivery_audits RENAME TO moved")
            #expect(try await codes().isEmpty)
            #expect(try await world.godwit("status").exitCode == 0)
            try await world.execute("ALTER TABLE godwit.dead_letters RENAME TO moved_too")
            try await eventually("it calls itself well") { try await codes().contains("GW-NOT-SEEN") }
            #expect(try await port.get("/api/status").json["healthy"] == false)
            #expect(try await port.get("/readyz").status == 200)
            try await world.execute("ALTER TABLE godwit.moved_too RENAME TO dead_letters")
            try await eventually("it is not well again") { try await codes().isEmpty }
        }
    }

    @Test func `a heartbeat's row that another session locks shows in status`() async throws {
        try await WorldFixture.withFlowing { world in
            let other = try await world.session("other")
            try await other.execute(script: "BEGIN; SELECT FROM consumer_workers FOR UPDATE")
            try await eventually("status calls it well") {
                let status = try await world.godwit("status")
                return status.exitCode == 4 && status.standardOutput.contains("has stopped")
            }
            try await other.execute(script: "COMMIT")
            try await world.append(20)
            try await world.expectEverythingDelivered()
        }
    }

    // MARK: The end

    /// No record is sent again for a connection to the database that is lost.
    @Test func `connections that are cut again and again cost no event and no duplicate`() async throws {
        try await throughProxy { world, proxy in
            for _ in 0..<10 {
                proxy.cut()
                try await world.append(10)
                try await Task.sleep(for: .milliseconds(300))
            }
            try await world.expectEverythingDelivered()
            let records = try await world.kafka.readAll([world.topic])
            #expect(records.count == 120)
        }
    }

    @Test func `a relay whose topic is refused and has nothing under way stops at once`() async throws {
        try await WorldFixture.with { world in
            world.configure(["GODWIT_CONSUMERS_SHOP_TOPIC": "{event_type}", "GODWIT_WORKER_SHUTDOWN_TIMEOUT": "60s"])
            try world.startRelay()
            try await world.append(1)
            try await eventually("the topic is not missed: \(try world.log)") {
                try world.log.contains("takes no records")
            }
            try world.relay.send(SIGTERM)
            try await expectEnd(world, within: .seconds(10), [0])
        }
    }
}
