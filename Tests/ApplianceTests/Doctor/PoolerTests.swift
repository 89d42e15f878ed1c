import EventSourcing
import LocalPostgres
import Postgres
import TestSupport
import Testing

@testable import Appliance

/// The doctor behind PgBouncer, where that is installed or named by `GODWIT_TEST_PGBOUNCER`.
@Suite(.enabled(if: TestPooler.program != nil, "there is no pgbouncer"))
struct PoolerTests {
    @Test(arguments: ["session", "transaction", "statement"])
    func `what kind of pooler is between is found out`(_ mode: String) async throws {
        let server = try await LocalPostgres.start()
        let pooler = try await TestPooler(before: server.port, mode: mode)
        let database = try Configuration.read(
            nil, name: "", environment: ["GODWIT_DATABASE_URL": pooler.url()], needs: [.database]
        ) { _ in "" }.configuration.database
        var kind: DatabaseFacts.Pooler?
        do {
            kind = try await DatabaseExamination(database: database, scopes: [:]).take().pooler
        } catch {
            Issue.record(error)
        }
        #expect(kind == (mode == "session" ? .session : .transaction))
        await pooler.stop()
        await server.stop()
    }

    @Test func `without one, none is found`() async throws {
        let url = try await TestPostgres.shared.url()
        let database = try Configuration.read(
            nil, name: "", environment: ["GODWIT_DATABASE_URL": url], needs: [.database]
        ) { _ in "" }.configuration.database
        #expect(try await DatabaseExamination(database: database, scopes: [:]).take().pooler == .none)
    }
}
