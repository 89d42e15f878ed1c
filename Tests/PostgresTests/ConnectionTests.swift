import LocalPostgres
import Logging
import Postgres
import TestSupport
import Testing

@testable import Postgres

@Suite struct ConnectionTests {
    @Test(arguments: ["", "hello", "postgres://[", "host=localhost port", "postgres://u:s3cret@h/db?nonsense=1"])
    func `a bad connection string is refused and not repeated`(text: String) throws {
        let error = try #require(throws: PostgresError.self) { try ConnectionConfiguration(text) }
        #expect(error.code == .invalidConfiguration)
        #expect(!error.description.contains("s3cret"))
    }

    @Test func `what is shown of a connection holds no password`() throws {
        let configuration = try ConnectionConfiguration("postgres://relay:s3cret@db:5433/app?sslmode=verify-full")
        #expect(configuration.redactedDescription == "relay@db:5433/app")
    }

    @Test func `nobody at the port is a failed connection, at once`() async throws {
        let configuration = try ConnectionConfiguration("postgres://nobody@127.0.0.1:1/none")
        let error = await #expect(throws: PostgresError.self) { try await Connection.open(configuration) }
        #expect(error?.code == .connectionFailed)
        #expect(error?.message.contains("refused") == true)
    }

    @Test func `an unknown database and an unknown role are refusals with SQLSTATE`() async throws {
        let url = try await TestPostgres.shared.url()
        for (parameter, state) in [("dbname=no_such_database", "3D000"), ("user=no_such_role", "28000")] {
            let separator = url.contains("?") ? "&" : "?"
            let configuration = try ConnectionConfiguration(url + separator + parameter)
            let error = await #expect(throws: PostgresError.self) { try await Connection.open(configuration) }
            #expect(error?.code == .authentication, "\(parameter): \(error?.description ?? "")")
            #expect(error?.sqlState?.rawValue == state)
        }
    }

    @Test func `a wrong password is a refusal that does not repeat it`() async throws {
        var options = LocalPostgres.Options()
        options.authentication = .scram(password: "right")
        let server = try await LocalPostgres.start(options)
        let right = try ConnectionConfiguration(server.url(user: "postgres", password: "right"))
        let connection = try await Connection.open(right)
        await connection.close()
        let error = await #expect(throws: PostgresError.self) {
            try await Connection.open(right.with(password: "s3cret"))
        }
        #expect(error?.code == .authentication)
        #expect(error?.sqlState?.rawValue == "28P01")
        #expect(error?.description.contains("s3cret") == false)
        await server.stop()
    }

    @Test func `the session has its bounds and reads what others commit meanwhile`() async throws {
        var configuration = try await ConnectionConfiguration(TestPostgres.shared.url())
        configuration.statementTimeout = .milliseconds(50)
        configuration.lockTimeout = .seconds(3)
        let connection = try await Connection.open(configuration)
        let settings = try await connection.query(
            "SELECT current_setting('lock_timeout'), current_setting('default_transaction_isolation')")
        #expect(try settings.first?.decode(0, as: String.self) == "3s")
        #expect(try settings.first?.decode(1, as: String.self) == "read committed")
        let error = await #expect(throws: PostgresError.self) { try await connection.query("SELECT pg_sleep(30)") }
        #expect(error?.sqlState == .queryCanceled)
        #expect(error?.code == .statement)
        await connection.close()
    }

    @Test func `SQLSTATE is found in verbose messages of any language`() {
        let german = "Verbindung fehlgeschlagen: FATAL:  28P01: Passwort-Authentifizierung\nORT: auth.c:335"
        #expect(ConnectionHandle.sqlState(inVerbose: german)?.rawValue == "28P01")
        #expect(
            ConnectionHandle.sqlState(inVerbose: "connection to server at \"::1\", port 54321 failed: FATAL") == nil)
    }
}
