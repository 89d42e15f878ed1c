import LocalPostgres
import Synchronization
import TestSupport
import Testing

@testable import Postgres

/// A server, or what lies before it, that falls silent without closing anything: no wait is without a bound.
@Suite(.timeLimit(.minutes(2))) struct SilentServerTests {
    /// A connection through a proxy, and the proxy.
    private func through(
        answerTimeout: Duration? = nil, _ body: (ConnectionConfiguration, TestProxy) async throws -> Void
    ) async throws {
        let (proxy, url) = try TestProxy.before(try await TestPostgres.shared.url())
        var configuration = try ConnectionConfiguration(url)
        configuration.answerTimeout = answerTimeout
        do {
            try await body(configuration, proxy)
            proxy.close()
        } catch {
            proxy.close()
            throw error
        }
    }

    @Test func `a statement without an answer ends with the connection`() async throws {
        try await through(answerTimeout: .seconds(1)) { configuration, proxy in
            let connection = try await Connection.open(configuration, logger: quiet)
            // Not silence: the server works.
            var patient = configuration
            patient.answerTimeout = .seconds(5)
            let slow = try await Connection.open(patient, logger: quiet)
            try await slow.query("SELECT pg_sleep(1.5)")
            proxy.set(.silent)
            let statements: [BoundStatement] = (0..<3).map {
                BoundStatement(Statement(name: "s\($0)", sql: "SELECT \($0)"))
            }
            let start = ContinuousClock.now
            let error = await #expect(throws: PostgresError.self) { try await connection.pipeline(statements) }
            #expect(error?.code == .connectionLost && error?.message.contains("nothing for 1.0 seconds") == true)
            #expect(await !connection.isUsable)
            #expect(ContinuousClock.now - start < .seconds(10))
            await connection.close()
            await slow.close()
        }
    }

    @Test(arguments: [true, false]) func `a cancelled statement ends soon`(isPrepared: Bool) async throws {
        try await through { configuration, proxy in
            let connection = try await Connection.open(configuration, logger: quiet)
            proxy.set(.silent)
            let task = Task {
                try await connection.query(isPrepared ? Statement(name: "one", sql: "SELECT 1") : Statement("SELECT 1"))
            }
            try await Task.sleep(for: .milliseconds(200))
            let start = ContinuousClock.now
            task.cancel()
            await #expect(throws: PostgresError.self) { try await task.value }
            #expect(ContinuousClock.now - start < .seconds(10))
            #expect(await !connection.isUsable)
            await connection.close()
        }
    }

    /// The proxy takes the request to cancel and passes it on to nobody, while the statement ends by itself.
    @Test func `a request to cancel that is stuck takes its connection with it`() async throws {
        try await through { configuration, proxy in
            let connection = try await Connection.open(configuration, logger: quiet)
            let task = Task { try await connection.query("SELECT pg_sleep(1)") }
            try await Task.sleep(for: .milliseconds(300))
            proxy.set(.openForOld)
            task.cancel()
            _ = try? await task.value
            #expect(await !connection.isUsable)
            await connection.close()
        }
    }

    @Test func `connecting ends in time where nothing speaks`() async throws {
        try await through { configuration, proxy in
            var configuration = configuration
            configuration.connectTimeout = .seconds(1)
            proxy.set(.silent)
            let error = await #expect(throws: PostgresError.self) {
                _ = try await Connection.open(configuration, logger: quiet)
            }
            #expect(error?.code == .connectionFailed)
        }
    }

    @Test func `those that wait in silence are given up together`() async throws {
        try await through { configuration, proxy in
            var configuration = configuration
            let count = Atomic(0)
            let all = OpenConnections { count.add(1, ordering: .relaxed) }
            configuration.connections = all
            let idle = try await Connection.open(configuration, logger: quiet)
            let waiting = try await Connection.open(configuration, logger: quiet)
            proxy.set(.silent)
            let task = Task { try await waiting.query("SELECT 1") }
            try await Task.sleep(for: .seconds(1))
            #expect(all.giveUp(silentFor: .milliseconds(500)) == 1)
            let error = await #expect(throws: PostgresError.self) { try await task.value }
            #expect(error?.code == .connectionLost)
            proxy.set(.open)
            #expect(try await idle.query("SELECT 1").count == 1)
            // Its sign of life has ended the suspicion; the next one is not so lucky.
            try await idle.query("SELECT pg_sleep(1)")
            all.giveUp(silentFor: .milliseconds(500))
            let late = await #expect(throws: PostgresError.self) { try await idle.query("SELECT pg_sleep(5)") }
            #expect(late?.code == .connectionLost)
            #expect(count.load(ordering: .relaxed) == 2)
            await idle.close()
            await waiting.close()
        }
    }

    @Test func `those that listen are given up with what was lost when they were there, whatever they do`() async throws
    {
        try await through { configuration, proxy in
            var configuration = configuration
            let all = OpenConnections()
            configuration.connections = all
            let waiting = try await Listener.open(configuration, channels: ["quiet"])
            let busy = try await Listener.open(configuration, channels: ["quiet"])
            let other = try await Connection.open(configuration, logger: quiet)
            let lost = ContinuousClock.now
            let young = try await Listener.open(configuration, channels: ["quiet"])
            proxy.set(.silentForOld)
            let wait = Task { try await waiting.next(within: .seconds(3600)) }
            try await Task.sleep(for: .milliseconds(200))
            #expect(all.giveUpListeners(openedBefore: lost) == 2)
            #expect(all.giveUpListeners(openedBefore: lost) == 0)
            let error = await #expect(throws: PostgresError.self) { try await wait.value }
            #expect(error?.code == .connectionLost)
            await #expect(throws: PostgresError.self) { try await busy.next(within: .seconds(3600)) }
            proxy.set(.open)
            #expect(try await young.query("SELECT 1").count == 1)
            #expect(try await other.query("SELECT 1").count == 1)
            for listener in [waiting, busy, young] { await listener.close() }
            await other.close()
        }
    }

    /// It asks nothing, so that only TCP itself can notice.
    @Test func `a listener whose network drops everything ends in time`() async throws {
        try await through { configuration, proxy in
            let listener = try await Listener.open(configuration, channels: ["quiet"])
            // What has come is acknowledged by then: it would be sent again, as a sign of life.
            try await Task.sleep(for: .milliseconds(300))
            proxy.dropSegments()
            let start = ContinuousClock.now
            let error = await #expect(throws: PostgresError.self) { try await listener.next(within: .seconds(40)) }
            #expect(error?.code == .connectionLost)
            #expect(ContinuousClock.now - start < .seconds(11))
            await listener.close()
        }
    }

    @Test func `a connection string's own TCP settings win`() throws {
        let configuration = try ConnectionConfiguration("postgres://a@b/c?keepalives_idle=60&tcp_user_timeout=0")
        let keywords = configuration.effectiveKeywords.reduce(into: [:]) { $0[$1.keyword] = $1.value }
        #expect(keywords["keepalives_idle"] == "60" && keywords["tcp_user_timeout"] == "0")
        #expect(keywords["keepalives_interval"] == "2" && keywords["keepalives_count"] == "2")
    }

    @Test func `a commit whose task is cancelled ends soon`() async throws {
        try await through { configuration, proxy in
            let connection = try await Connection.open(configuration, logger: quiet)
            let task = Task {
                try await connection.withTransaction { transaction in
                    try await transaction.query("SELECT 1")
                    proxy.set(.silent)
                }
            }
            try await Task.sleep(for: .milliseconds(500))
            let start = ContinuousClock.now
            task.cancel()
            await #expect(throws: (any Error).self) { try await task.value }
            #expect(ContinuousClock.now - start < .seconds(10))
            #expect(await !connection.isUsable)
            await connection.close()
        }
    }

    @Test(arguments: [true, false]) func `a COPY that streams is refused`(isScript: Bool) async throws {
        let connection = try await Connection.open(
            ConnectionConfiguration(try await TestPostgres.shared.url()), logger: quiet)
        let error = await #expect(throws: PostgresError.self) {
            let sql = "COPY (SELECT 1) TO STDOUT"
            if isScript {
                try await connection.execute(script: sql)
            } else {
                try await connection.query(Statement(name: "copy", sql: sql))
            }
        }
        #expect(error?.code == .misuse)
        #expect(await !connection.isUsable)
        await connection.close()
    }

    /// Answers larger than the buffers on the way, encrypted too, come whole.
    @Test(arguments: ["disable", "prefer"]) func `large answers and questions pass`(mode: String) async throws {
        let url = try await TestPostgres.shared.url()
        let configuration = try ConnectionConfiguration(url + (url.contains("?") ? "&" : "?") + "sslmode=\(mode)")
        let connection = try await Connection.open(configuration, logger: quiet)
        let text = String(repeating: "0123456789", count: 3_000_000)
        for _ in 0..<3 {
            let back: String = try #require(try await connection.query("SELECT \(text) || ''").first).decode(0)
            #expect(back.utf8.count == text.utf8.count)
        }
        await connection.close()
    }
}
